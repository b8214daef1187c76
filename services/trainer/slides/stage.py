"""The slide stage of a fold: fit on training patients, and predict every patient by models fitted without them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from services.trainer.arms.arm import BlockView
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.slides.hazards import TileHazards, fit_tile_hazards
from services.trainer.slides.projection import Projection, fit_projection
from services.trainer.slides.tile_columns import fit_tile_columns
from shared.arrays import Floats

if TYPE_CHECKING:
    from services.trainer.slides.gated import GatedModel

POOLED = 10
"""Principal components of the mean embedding that early fusion reads."""
MOST_TILES, TILE_BUDGET = 4096, 1_500_000
"""Larger bags are thinned evenly, in training and evaluation; a bundle's model reads all tiles."""


@dataclass(frozen=True, eq=False)
class SlideScores:
    """What models of slides say of n patients."""

    view: BlockView
    """Of the block of slides."""
    gated: Floats | None
    """[n], log-risk of the gated network; None where it was not fitted."""


@dataclass(frozen=True, eq=False)
class SlideModel:
    """What was fitted on the training patients' slides."""

    projection: Projection
    hazards: TileHazards
    gated: "GatedModel | None"
    most: int
    agreement: float
    """How much weights of different patients say the same, 0 to 1; see `out_of_fold.agreement`."""

    def tiles(self, embeddings: Embeddings, cases: Sequence[str]) -> list[Features]:
        """Projected tiles [t, k] of each case."""
        return [self.projection(embeddings.bag(case, self.most)) for case in cases]

    def scores(self, cohort: Cohort, tiles: Sequence[Features], beside: Floats | None = None) -> SlideScores:
        """Log-risks of new patients; `beside` [n, k] as in `fit_slides`."""
        view = BlockView(self.hazards.log_risk(tiles), pooled(tiles, self.projection))
        return SlideScores(view, self.gated.log_risk(cohort, tiles, beside) if self.gated else None)


def fit_slides(
    cohort: Cohort,
    embeddings: Embeddings,
    seed: int,
    *,
    gated: bool = True,
    beside: Floats | None = None,
) -> tuple[SlideModel, SlideScores]:
    """Fit on a training cohort; the scores of its own patients are out of fold.

    The hazards are fitted by one thread: faster with matrices this small, and the same to the last digit everywhere.
    `beside` [n, k] are columns of other blocks that the gated network reads; NaN where they are missing.

    Raises:
        MissingTorchError: the gated network is asked for, and torch is not installed.
    """
    with threadpool_limits(1):
        model, tiles, log_risk = _fit_hazards(cohort, embeddings, seed)
    both, mixed = _gated(cohort, tiles, seed, beside) if gated else (None, None)
    return replace(model, gated=both), SlideScores(BlockView(log_risk, pooled(tiles, model.projection)), mixed)


def _fit_hazards(cohort: Cohort, embeddings: Embeddings, seed: int) -> tuple[SlideModel, list[Features], Floats]:
    """The model without a gated network, and of the training patients all projected tiles and log-risks [n]."""
    has = embeddings.has(cohort.case_ids)
    inside = cohort.take(has)
    projection = fit_projection(embeddings, inside.case_ids, inside.sites)
    most = int(np.clip(TILE_BUDGET // max(len(inside), 1), 64, MOST_TILES))
    tiles = [projection(embeddings.bag(case, most)) for case in cohort.case_ids]
    columns = fit_tile_columns(projection, embeddings, inside.case_ids, seed)
    bags = [bag for bag in tiles if len(bag)]
    fitted = fit_tile_hazards(columns, bags, inside.outcome, inside.case_ids, seed)
    log_risk = np.full(len(cohort), np.nan)
    log_risk[has] = fitted.log_risk
    return SlideModel(projection, fitted.hazards, None, most, fitted.agreement), tiles, log_risk


def _gated(cohort: Cohort, tiles: Sequence[Features], seed: int, beside: Floats | None) -> "tuple[GatedModel, Floats]":
    from services.trainer.slides.gated import fit_gated  # noqa: PLC0415 - needs torch, which others can do without

    return fit_gated(cohort, tiles, seed, beside)


def pooled(tiles: Sequence[Features], projection: Projection) -> Floats:
    """Components [n, k] of each patient's mean tile; NaN without tiles."""
    count = min(POOLED, projection.axes.shape[1])
    nothing = np.full(count, np.nan)
    return np.stack([bag[:, :count].mean(axis=0, dtype=np.float64) if len(bag) else nothing for bag in tiles])
