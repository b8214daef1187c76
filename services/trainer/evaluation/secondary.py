"""Secondary figures of the primary arm against its baseline: reclassification, DeLong's test, Fine-Gray."""

from typing import Any

import numpy as np

from services.trainer.arms.registry import PRIMARY
from services.trainer.evaluation.contrasts import baseline_of
from services.trainer.evaluation.figures import FEWER
from services.trainer.evaluation.pooled import Pooled, Restricted
from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded
from services.trainer.metrics.delong import delong
from services.trainer.metrics.fine_gray import FineGray
from services.trainer.metrics.reclassification import continuous_nri, idi
from services.trainer.metrics.statistic import Mean
from shared.arrays import Floats, Ints


def secondary(pooled: Pooled, bootstrap: Bootstrap) -> dict[str, Any]:
    """At the first horizon, on the patients with predictions of both arms.

    Parts are empty where an arm is absent; Fine-Gray where there are no times.
    """
    base = baseline_of(pooled)
    result: dict[str, Any] = {"a": PRIMARY, "b": base, "horizon_years": pooled.horizons[0]}
    if PRIMARY in pooled.arms and base in pooled.arms:
        result |= _against(pooled, base, bootstrap)
    arm = PRIMARY if PRIMARY in pooled.arms else base
    timed = pooled.cohort.has_times
    result["fine_gray"] = fine_gray(pooled, arm, bootstrap) if timed and arm in pooled.arms else None
    return result


def _against(pooled: Pooled, base: str, bootstrap: Bootstrap) -> dict[str, Any]:
    first, second = pooled.arms[PRIMARY], pooled.arms[base]
    index = np.intersect1d(first.known, second.known)
    outcome, years = pooled.cohort.outcome[index], pooled.horizons[0]
    place = pooled.place(years)
    risks = [_risks(new.risk, old.risk, index, place) for new, old in zip(first.repeats, second.repeats, strict=True)]
    nri = Restricted(index, Mean([continuous_nri(outcome, new, old, years) for new, old in risks]))
    gain = Restricted(index, Mean([idi(outcome, new, old, years) for new, old in risks]))
    logs = [[prediction.log_risk[index] for prediction in arm.repeats] for arm in (first, second)]
    tested = delong(outcome, logs[0], logs[1], years)
    return {
        "n": len(index),
        "continuous_nri": bootstrap.figure(nri).as_json(),
        "idi": bootstrap.figure(gain).as_json(),
        "delong_auc": tested.figure.as_json() | {"p": rounded(tested.p)},
    }


def _risks(new: Floats, old: Floats, index: Ints, place: int) -> tuple[Floats, Floats]:
    return new[index, place], old[index, place]


def fine_gray(pooled: Pooled, arm: str, bootstrap: Bootstrap) -> dict[str, Any]:
    """Hazard ratio of one standard deviation of an arm's log-risk: of the cause alone, and of the subdistribution."""
    index = pooled.arms[arm].known
    outcome = pooled.cohort.outcome[index]
    cause = type(outcome)(outcome.time, outcome.is_event.astype(np.int64))
    scaled = [_per_sd(prediction.log_risk[index]) for prediction in pooled.arms[arm].repeats]
    smaller = Bootstrap(bootstrap.weights[:FEWER])
    figures = {
        name: _exponential(smaller.figure(Restricted(index, Mean([FineGray.of(what, x) for x in scaled]))))
        for name, what in (("cause_specific", cause), ("subdistribution", outcome))
    }
    return {"arm": arm, "n": len(index), "competing": int((outcome.event > 1).sum()), **figures}


def _per_sd(log_risk: Floats) -> Floats:
    spread = float(log_risk.std())
    return np.asarray((log_risk - log_risk.mean()) / spread if spread > 1e-9 else np.zeros(len(log_risk)), np.float64)


def _exponential(figure: Figure) -> dict[str, float | None]:
    est, lo, hi = (None if value is None else float(np.exp(value)) for value in (figure.est, figure.lo, figure.hi))
    return Figure(est, lo, hi).as_json()
