"""Hazards of tiles: prototypes of three sizes and the slides' axes, each weighed by a ridge Cox model of its own.

A patient's columns are the shares of prototypes and the mean tile, so that the log-risk is the mean log hazard of the
tiles, over the mean of the four models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.cohort.embeddings import Features
from services.trainer.folds import patient_folds
from services.trainer.out_of_fold import agreement
from services.trainer.slides.tile_columns import TileColumns
from services.trainer.slides.tile_ridges import fit_weights
from shared.arrays import Floats

FOLDS = 5
"""Inner folds, whose weights are averaged."""


@dataclass(frozen=True, eq=False)
class TileHazards:
    """A log hazard of every projected tile [axes]; a case's log-risk is their mean."""

    columns: TileColumns
    mean: Floats
    """[p], of the training patients."""
    weights: Floats
    """[p], per unit of a column."""

    @property
    def has_weight(self) -> bool:
        """Whether tiles differ in hazard at all."""
        return bool(self.weights.any())

    def of_tiles(self, tiles: Features) -> Floats:
        """Log hazard [n] of tiles [n, axes]."""
        return np.asarray((self.columns.of_tiles(tiles) - self.mean) @ self.weights, np.float64)

    def log_risk(self, bags: Sequence[Features]) -> Floats:
        """Log-risk [n] of cases by their tiles; NaN without tiles."""
        has = np.array([len(bag) > 0 for bag in bags], np.bool_)
        log_risk = np.full(len(bags), np.nan)
        if has.any():
            log_risk[has] = (self.columns.means([bag for bag in bags if len(bag)]) - self.mean) @ self.weights
        return log_risk


@dataclass(frozen=True, eq=False)
class FittedHazards:
    """Hazards of tiles, and what they say of the patients that they were fitted on."""

    hazards: TileHazards
    log_risk: Floats
    """[n], out of fold."""
    agreement: float
    """See `out_of_fold.agreement`; 0 where slides get no weight."""


def fit_tile_hazards(
    columns: TileColumns, bags: Sequence[Features], outcome: Outcome, names: Sequence[str], seed: int
) -> FittedHazards:
    """Fit on n training patients: `bags` of at least one projected tile, and `names`, which a bootstrap repeats."""
    means = columns.means(bags)
    mean, scale = means.mean(axis=0), np.maximum(means.std(axis=0), 1e-9)
    x = (means - mean) / scale
    folds = patient_folds(names, outcome.event, FOLDS, np.random.default_rng([seed, 29]))
    fitted = fit_weights(x, columns.heads, outcome, folds, FOLDS)
    hazards = TileHazards(columns, mean, fitted.weights.mean(axis=0) / scale)
    return FittedHazards(hazards, fitted.log_risk, agreement(fitted.weights @ x.T, np.arange(FOLDS)))
