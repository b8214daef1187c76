"""Standardises the columns of vectors; a missing value counts as the mean of the training patients."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from shared.arrays import Flags, Floats


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and scale [p] of training values; 0 and 1 for a column without a value, scale 1 for a constant one."""

    mean: Floats
    scale: Floats
    varies: Flags
    """[p], columns of which training patients differ."""

    def __call__(self, values: Floats) -> Floats:
        """Standardised columns [n, p] of values [n, p]; 0 where a value is missing (NaN)."""
        return np.nan_to_num((values - self.mean) / self.scale, nan=0.0)


def fit_scaling(values: Floats) -> Scaling:
    """Fit on the values [n, p] of training patients, NaN where they are missing."""
    known = np.asarray(~np.isnan(values).all(axis=0), np.bool_)
    scaler = StandardScaler().fit(values[:, known])
    mean, scale, varies = np.zeros(values.shape[1]), np.ones(values.shape[1]), np.zeros(values.shape[1], np.bool_)
    mean[known], scale[known] = scaler.mean_, scaler.scale_
    varies[known] = np.nanmax(values[:, known], axis=0) > np.nanmin(values[:, known], axis=0)
    return Scaling(mean, scale, varies)
