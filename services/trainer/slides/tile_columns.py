"""What is read of a tile: its nearest prototype of three sizes of clustering, and its place on the axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.cluster import KMeans

from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.slides.projection import Projection
from shared.arrays import Floats, Ints

PROTOTYPES = (16, 32, 64)
_SAMPLED, _LEAST = 8000, 8
"""Tiles that are clustered, of all patients together, and the least of a patient with as many."""


@dataclass(frozen=True, eq=False)
class TileColumns:
    """Turns projected tiles [n, axes] into columns [n, p]: a 1 for the nearest prototype of each size, and the axes."""

    centres: tuple[Features, ...]
    """[k, axes] of each size; fewer than `PROTOTYPES` where fewer tiles differ."""

    @property
    def heads(self) -> list[slice]:
        """The columns of each size of clustering, and the axes."""
        ends = np.cumsum([0, *map(len, self.centres), self.centres[0].shape[1]]).tolist()
        return [slice(start, end) for start, end in pairwise(ends)]

    def members(self, tiles: Features, size: int = 0) -> Ints:
        """The nearest prototype [n] of a size; of equally near ones the first."""
        centres = self.centres[size]
        return np.asarray(np.argmax(tiles @ centres.T - (centres**2).sum(axis=1) / 2, axis=1), np.int64)

    def of_tiles(self, tiles: Features) -> Features:
        """Columns [n, p]."""
        nearest = (
            np.eye(len(centres), dtype=np.float32)[self.members(tiles, size)]
            for size, centres in enumerate(self.centres)
        )
        return np.hstack([*nearest, tiles])

    def means(self, bags: Sequence[Features]) -> Floats:
        """Mean columns [cases, p] of bags of at least one tile: shares of prototypes, and the mean tile."""
        return np.stack([self.of_tiles(bag).mean(axis=0, dtype=np.float64) for bag in bags])


def fit_tile_columns(projection: Projection, embeddings: Embeddings, cases: Sequence[str], seed: int) -> TileColumns:
    """Cluster tiles of cases that have some, as many of each at most."""
    most = max(_LEAST, _SAMPLED // len(cases))
    tiles = np.concatenate([projection(embeddings.bag(case, most)) for case in cases])
    different = len(np.unique(tiles, axis=0))
    fits = [KMeans(min(k, different), random_state=seed, n_init=1, max_iter=30).fit(tiles) for k in PROTOTYPES]
    return TileColumns(tuple(np.asarray(fit.cluster_centers_, np.float32) for fit in fits))
