"""Cumulative incidence with the interval of its bootstrap samples."""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.bootstrap import Figure
from services.trainer.metrics.incidence import cumulative_incidence, incidence_draws
from shared.arrays import Floats


def incidence_band(outcome: Outcome, times: Floats, draws: Floats) -> tuple[Figure, ...]:
    """Aalen-Johansen estimate at each of `times` [m], in years, with 95 % intervals from the draws [b, n]."""
    lo, hi = np.quantile(incidence_draws(outcome, times, draws), [0.025, 0.975], axis=0)
    estimates = cumulative_incidence(outcome, times)
    return tuple(Figure(*ends).rounded() for ends in zip(estimates.tolist(), lo.tolist(), hi.tolist(), strict=True))
