"""Log-risk of slides: out of fold for whatever is fitted on top of it, and from all patients for the bundle."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.trainer.demo.gated_attention import Projection, Weights, attention, fit_projection, log_risk, train
from shared.arrays import Floats

Flags = npt.NDArray[np.bool_]

FOLDS = 5
AXES = 8
_PROJECTED = 250
"""Tiles from which the projection is fitted."""


@dataclass(frozen=True)
class Pathomics:
    """The model for the bundle, and each patient's log-risk [n] from a model that never saw them."""

    projection: Projection
    weights: Weights
    out_of_fold: Floats

    def attention(self, bags: Floats) -> Floats:
        """The bundle's model's attention [n, t] on bags [n, t, d]."""
        return attention(self.weights, self.projection(bags))


def folds(events: Flags, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Fold [n] of each patient, events spread evenly."""
    order = np.lexsort((rng.random(len(events)), events))
    fold = np.empty(len(events), np.int64)
    fold[order] = np.arange(len(events)) % FOLDS
    return fold


def fit_pathomics(bags: Floats, years: Floats, events: Flags, fold: npt.NDArray[np.int64], seed: int) -> Pathomics:
    """Train on bags [n, t, d]; the projection is fitted inside each fold too."""
    out_of_fold = np.empty(len(bags))
    for k in range(FOLDS):
        inside = fold != k
        projection, weights = _fit(bags[inside], years[inside], events[inside], seed)
        out_of_fold[~inside] = log_risk(weights, projection(bags[~inside]))
    return Pathomics(*_fit(bags, years, events, seed), out_of_fold)


def _fit(bags: Floats, years: Floats, events: Flags, seed: int) -> tuple[Projection, Weights]:
    rng = np.random.default_rng(seed)
    tiles = bags.reshape(-1, bags.shape[2])
    projection = fit_projection(tiles[rng.choice(len(tiles), min(_PROJECTED, len(tiles)), replace=False)], AXES)
    return projection, train(projection(bags), years, events, rng)
