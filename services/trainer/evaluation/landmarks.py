"""Calibration and order of risks given no event until a landmark, of the arms that scores come from."""

from collections.abc import Callable
from itertools import product

import numpy as np

from services.trainer.arms.hazards import Prediction
from services.trainer.arms.registry import PRIMARY, record_arm
from services.trainer.cohort.cohort import Outcome
from services.trainer.evaluation.pooled import Of, Pooled
from services.trainer.metrics import calibration, discrimination
from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded
from services.trainer.metrics.incidence_band import incidence_band
from services.trainer.metrics.landmark import conditional_risk, from_landmark, reached
from services.trainer.metrics.statistic import Statistic
from services.trainer.report_model.arms import LandmarkFigures
from shared.arrays import Floats, Ints
from shared.model.course import EVENT_FREE_YEARS

_LEAST = 5
"""With fewer events between landmark and horizon there is no figure but the counts and the mean risk."""


def landmarks(pooled: Pooled, bootstrap: Bootstrap) -> tuple[LandmarkFigures, ...]:
    """Rows by arm, landmark and later horizon; none where the outcome has no times."""
    if not pooled.cohort.has_times:
        return ()
    arms = [name for name in (record_arm(pooled.cohort.profile), PRIMARY) if name in pooled.arms]
    times = [(since, until) for since, until in product(EVENT_FREE_YEARS, pooled.horizons) if since < until]
    return tuple(_row(pooled, arm, since, until, bootstrap.fewer) for arm in arms for since, until in times)


def _row(pooled: Pooled, arm: str, since: float, until: float, bootstrap: Bootstrap) -> LandmarkFigures:
    index = np.intersect1d(pooled.arms[arm].known, reached(pooled.cohort.outcome, since))
    outcome = from_landmark(pooled.cohort.outcome[index], since)
    risks = [_risk(pooled, each.take(index), since, until) for each in pooled.arms[arm].repeats]
    events = int((outcome.is_event & (outcome.time <= until - since)).sum())
    row = LandmarkFigures(
        arm=arm,
        event_free_years=since,
        horizon_years=until,
        n=len(index),
        events=events,
        predicted=rounded(float(np.mean(risks))) if len(index) else None,
    )
    if events < _LEAST:
        return row
    measured = {
        name: bootstrap.figure(pooled.figure(arm, index, of)).rounded()
        for name, of in _measures(pooled, since, until).items()
    }
    return row.model_copy(update=measured | {"observed": _observed(outcome, until - since, bootstrap, index)})


def _risk(pooled: Pooled, prediction: Prediction, since: float, until: float) -> Floats:
    before, by = pooled.place(since), pooled.place(until)
    return conditional_risk(prediction.risk[:, before], prediction.risk[:, by], prediction.event_free[:, before])


def _measures(pooled: Pooled, since: float, until: float) -> dict[str, Of]:
    """Figures by name, from the landmark on."""

    def shifted(figure: Callable[[Outcome, Floats, float], Statistic]) -> Of:
        return lambda outcome, prediction: figure(
            from_landmark(outcome, since), _risk(pooled, prediction, since, until), until - since
        )

    return {
        "o_e": shifted(calibration.observed_over_expected),
        "intercept": shifted(calibration.intercept),
        "uno_c": shifted(discrimination.uno_c),
    }


def _observed(outcome: Outcome, years: float, bootstrap: Bootstrap, index: Ints) -> Figure:
    """Incidence (Aalen-Johansen) `years` after the landmark."""
    drawn = bootstrap.weights[:, index]
    return incidence_band(outcome, np.array([years]), drawn[drawn.sum(axis=1) > 0])[0]
