"""Log-risks by hazards of tiles: prototypes of three sizes and the slides' axes, weighed by a ridge Cox model.

A patient's columns are the shares of prototypes and the mean tile, so that the log-risk is the mean hazard of the
tiles. The ridge is plain, or adaptive, where what tells little is shrunk more in every round by penalties inverse to
squared coefficients (Frommlet and Nuel, PLoS ONE 2016;11:e0148620): rare patterns need the one, common ones the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.folds import patient_folds
from services.trainer.out_of_fold import out_of_fold
from services.trainer.slides.projection import Projection, fit_projection
from shared.arrays import Floats, Ints

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
PROTOTYPES = (16, 32, 64)
_FOLDS, _ROUNDS, _LEAST = 5, 4, 0.1
"""Inner folds; rounds of the adaptive ridge, and what its penalties add to a squared coefficient, of their mean."""
_MARGIN = 2.0
"""By how much the out-of-fold log-likelihood must rise for slides to get a weight at all."""
_SAMPLED = 8000
"""Tiles that are clustered, of all patients together."""


@dataclass(frozen=True, eq=False)
class TileColumns:
    """What is read of a tile: its nearest prototype of each size, and its place on the axes."""

    projection: Projection
    centres: tuple[Features, ...]
    """[k, axes] of each size."""

    def members(self, projected: Features, size: int = 0) -> Ints:
        """The nearest prototype [n] of a size of projected tiles [n, axes]."""
        centres = self.centres[size]
        return np.asarray(np.argmax(projected @ centres.T - (centres**2).sum(axis=1) / 2, axis=1), np.int64)

    def of_projected(self, projected: Features) -> Features:
        """Columns [n, p] of projected tiles [n, axes]."""
        nearest = (
            np.eye(len(centres), dtype=np.float32)[self.members(projected, size)]
            for size, centres in enumerate(self.centres)
        )
        return np.hstack([*nearest, projected])

    def means(self, embeddings: Embeddings, case_ids: Sequence[str]) -> Floats:
        """Mean columns [n, p] of cases with tiles."""
        bags = (self.of_projected(self.projection(embeddings.bag(case))) for case in case_ids)
        return np.stack([bag.mean(axis=0, dtype=np.float64) for bag in bags])


@dataclass(frozen=True, eq=False)
class TileHazards:
    """A log hazard of every tile; a case's log-risk is their mean."""

    columns: TileColumns
    mean: Floats
    """[p], of the training patients."""
    weights: Floats
    """[p], per unit of a column."""

    def of_tiles(self, tiles: Features) -> Floats:
        """Log hazard [n] of tiles [n, d]."""
        return self._hazards(self.columns.projection(tiles))

    def of_prototypes(self) -> Floats:
        """Log hazard [k] of the prototypes of the first size, at their centres."""
        return self._hazards(self.columns.centres[0])

    def log_risk(self, embeddings: Embeddings, case_ids: Sequence[str]) -> Floats:
        """Log-risk [n] of cases; NaN without tiles."""
        has = embeddings.has(case_ids)
        with_tiles = [case for case, tiles in zip(case_ids, has, strict=True) if tiles]
        log_risk = np.full(len(case_ids), np.nan)
        log_risk[has] = (self.columns.means(embeddings, with_tiles) - self.mean) @ self.weights
        return log_risk

    def _hazards(self, projected: Features) -> Floats:
        return np.asarray((self.columns.of_projected(projected) - self.mean) @ self.weights, np.float64)


def fit_tile_hazards(cohort: Cohort, embeddings: Embeddings, seed: int) -> tuple[TileHazards, Floats]:
    """Fit on a training cohort; the log-risks [n] of its own patients are out of fold."""
    has = np.flatnonzero(embeddings.has(cohort.case_ids))
    names = [cohort.case_ids[i] for i in has]
    projection = fit_projection(embeddings, names, [cohort.sites[i] for i in has])
    columns = TileColumns(projection, _centres(projection, embeddings, names, seed))
    means = columns.means(embeddings, names)
    mean, scale = means.mean(axis=0), np.maximum(means.std(axis=0), 1e-9)
    folds = patient_folds(names, cohort.outcome.event[has], _FOLDS, np.random.default_rng([seed, 29]))
    weights, own = _weights((means - mean) / scale, cohort.outcome[has], folds)
    log_risk = np.full(len(cohort), np.nan)
    log_risk[has] = own
    return TileHazards(columns, mean, weights / scale), log_risk


def _weights(x: Floats, outcome: Outcome, folds: Ints) -> tuple[Floats, Floats]:
    """Weights [p], and out-of-fold log-risks [n], of no, a plain or an adaptive ridge: the likeliest out of fold."""
    ridge = choose_ridge(x, outcome.time, outcome.is_event, folds, PENALTIES)
    kept = [folds != fold for fold in range(_FOLDS)]
    samples = [Sample.of(x[k], outcome.time[k], outcome.is_event[k]) for k in kept]
    plain = np.stack([fit_cox(sample, ridge) for sample in samples])
    adapted = np.stack([_adapted(sample, ridge, start) for sample, start in zip(samples, plain, strict=True)])
    candidates = [(each, out_of_fold(each @ x.T, np.arange(_FOLDS), folds)) for each in (0 * plain, plain, adapted)]
    likelihoods = [_likelihood(log_risk, outcome) for _, log_risk in candidates]
    likelihoods[0] += _MARGIN
    weights, log_risk = candidates[int(np.argmax(likelihoods))]
    return weights.mean(axis=0), log_risk


def _adapted(sample: Sample, ridge: float, weights: Floats) -> Floats:
    for _ in range(_ROUNDS):
        squares = weights**2
        level = max(float(squares.mean()), 1e-12)
        weights = fit_cox(sample, ridge * level / (squares + _LEAST * level))
    return weights


def _likelihood(log_risk: Floats, outcome: Outcome) -> float:
    """Partial log-likelihood of log-risks [n] as they are."""
    return Sample.of(log_risk[:, None], outcome.time, outcome.is_event).log_likelihood(np.ones(1))


def _centres(projection: Projection, embeddings: Embeddings, names: Sequence[str], seed: int) -> tuple[Features, ...]:
    most = max(8, _SAMPLED // len(names))
    tiles = np.concatenate([projection(embeddings.bag(name, most)) for name in names])
    fits = [KMeans(min(k, len(tiles)), random_state=seed, n_init=1, max_iter=30).fit(tiles) for k in PROTOTYPES]
    return tuple(np.asarray(fit.cluster_centers_, np.float32) for fit in fits)
