"""Secondary figures of the primary arm against its baseline: reclassification, DeLong's test, Fine-Gray."""

import numpy as np

from services.trainer.arms.registry import PRIMARY
from services.trainer.cohort.cohort import Outcome
from services.trainer.evaluation.contrasts import baseline_of
from services.trainer.evaluation.pooled import Pooled, Restricted
from services.trainer.metrics.bootstrap import Bootstrap, Figure
from services.trainer.metrics.delong import delong
from services.trainer.metrics.fine_gray import FineGray
from services.trainer.metrics.reclassification import continuous_nri, idi
from services.trainer.metrics.statistic import Mean
from services.trainer.report_model.comparisons import FineGrayFigures, Reclassification, Secondary
from shared.arrays import Floats, Ints


def secondary(pooled: Pooled, bootstrap: Bootstrap) -> Secondary:
    """At the first horizon, on the patients with predictions of both arms.

    Parts are None where an arm is absent; Fine-Gray where there are no times.
    """
    base = baseline_of(pooled)
    both = PRIMARY in pooled.arms and base in pooled.arms
    arm = PRIMARY if PRIMARY in pooled.arms else base
    timed = pooled.cohort.has_times and arm in pooled.arms
    return Secondary(
        a=PRIMARY,
        b=base,
        horizon_years=pooled.horizons[0],
        reclassification=_reclassification(pooled, base, bootstrap) if both else None,
        fine_gray=fine_gray(pooled, arm, bootstrap) if timed else None,
    )


def _reclassification(pooled: Pooled, base: str, bootstrap: Bootstrap) -> Reclassification:
    first, second = pooled.arms[PRIMARY], pooled.arms[base]
    index = np.intersect1d(first.known, second.known)
    outcome, years = pooled.cohort.outcome[index], pooled.horizons[0]
    place = pooled.place(years)
    risks = [_risks(new.risk, old.risk, index, place) for new, old in zip(first.repeats, second.repeats, strict=True)]
    nri = Restricted(index, Mean([continuous_nri(outcome, new, old, years) for new, old in risks]))
    gain = Restricted(index, Mean([idi(outcome, new, old, years) for new, old in risks]))
    logs = [[prediction.log_risk[index] for prediction in arm.repeats] for arm in (first, second)]
    return Reclassification(
        n=len(index),
        continuous_nri=bootstrap.figure(nri).rounded(),
        idi=bootstrap.figure(gain).rounded(),
        delong_auc=delong(outcome, logs[0], logs[1], years).rounded(),
    )


def _risks(new: Floats, old: Floats, index: Ints, place: int) -> tuple[Floats, Floats]:
    return new[index, place], old[index, place]


def fine_gray(pooled: Pooled, arm: str, bootstrap: Bootstrap) -> FineGrayFigures:
    """Hazard ratio of one standard deviation of an arm's log-risk: of the cause alone, and of the subdistribution."""
    index = pooled.arms[arm].known
    outcome = pooled.cohort.outcome[index]
    cause = Outcome(outcome.time, outcome.is_event.astype(np.int64))
    scaled = [_per_sd(prediction.log_risk[index]) for prediction in pooled.arms[arm].repeats]

    def ratio(of: Outcome) -> Figure:
        statistic = Restricted(index, Mean([FineGray.of(of, x) for x in scaled]))
        return _exponential(bootstrap.fewer.figure(statistic)).rounded()

    return FineGrayFigures(
        arm=arm,
        n=len(index),
        competing=int((outcome.event > 1).sum()),
        cause_specific=ratio(cause),
        subdistribution=ratio(outcome),
    )


def _per_sd(log_risk: Floats) -> Floats:
    spread = float(log_risk.std())
    return np.asarray((log_risk - log_risk.mean()) / spread if spread > 1e-9 else np.zeros(len(log_risk)), np.float64)


def _exponential(figure: Figure) -> Figure:
    est, lo, hi = (None if value is None else float(np.exp(value)) for value in (figure.est, figure.lo, figure.hi))
    return Figure(est, lo, hi)
