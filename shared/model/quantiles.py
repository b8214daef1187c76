"""Percentile intervals from refits."""

import numpy as np

from shared.arrays import Floats


def percentile_interval(estimate: Floats, refits: Floats, level: float) -> tuple[Floats, Floats]:
    """Lower and upper bounds, shaped as `estimate` [...], from the estimates of r refits [r, ...].

    Percentiles are those between which one more refit would fall with probability `level` (place p (n + 1) among n),
    widened to hold the estimate itself. Without refits nothing is known of the spread: 0 and 1.
    """
    if not len(refits):
        return np.zeros_like(estimate), np.ones_like(estimate)
    lo, hi = np.quantile(refits, [(1 - level) / 2, (1 + level) / 2], axis=0, method="weibull")
    return np.minimum(lo, estimate), np.maximum(hi, estimate)
