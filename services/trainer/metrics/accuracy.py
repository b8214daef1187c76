"""How far predicted probabilities are from what happened: Brier score and its integral."""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import by_horizon, censoring_survival
from services.trainer.metrics.statistic import Ratio
from shared.arrays import Floats


def brier(outcome: Outcome, risk: Floats, years: float) -> Ratio:
    """Mean squared error of the risk [n] by `years`, by IPCW. Graf et al., Stat Med 1999;18:2529."""
    known = by_horizon(outcome, years)
    return Ratio(known.weight * (known.is_event - risk) ** 2, np.ones(len(outcome)))


def integrated_brier(outcome: Outcome, risks: Floats, times: Floats) -> Ratio:
    """Brier score of the risks [n, m] averaged over `times` [m] by trapezoids; of one time, the score there."""
    observed = censoring_survival(outcome)
    errors = []
    for years, risk in zip(times, risks.T, strict=True):
        known = by_horizon(outcome, float(years), observed)
        errors.append(known.weight * (known.is_event - risk) ** 2)
    if len(times) == 1:
        return Ratio(errors[0], np.ones(len(outcome)))
    area = np.trapezoid(np.stack(errors), times, axis=0) / (times[-1] - times[0])
    return Ratio(np.asarray(area, np.float64), np.ones(len(outcome)))
