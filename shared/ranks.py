"""The place of a value in a sample."""

from collections.abc import Sequence

import numpy as np


def percentile_rank(value: float, quantiles: Sequence[float]) -> float:
    """Place of `value`, 0 to 100, among evenly spaced quantiles (from minimum to maximum, rising) of a sample.

    Of several equal quantiles the middle counts.
    """
    places = np.linspace(0.0, 100.0, len(quantiles))
    first, behind = np.searchsorted(quantiles, value, "left"), np.searchsorted(quantiles, value, "right")
    if first < behind:
        return float(places[first] + places[behind - 1]) / 2
    return float(np.interp(value, quantiles, places))
