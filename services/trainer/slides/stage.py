"""The slide stage of a fold: fit on training patients, and predict every patient by networks fitted without them.

Several networks for each inner fold; a training patient is scored by those that had not seen them, a new one by all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import BlockView
from services.trainer.arms.columns import fit_columns
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.errors import MissingTorchError
from services.trainer.folds import patient_folds
from services.trainer.out_of_fold import agreement, out_of_fold
from services.trainer.slides.projection import Projection, fit_projection
from shared.arrays import Floats
from shared.model.column import Column, design_matrix

try:
    from services.trainer.slides.training import Bags, Schedule, Trained, train
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingTorchError from error

FOLDS, SEEDS = 5, 6
"""Networks for each inner fold. Fusion weighs the log-risk by its out-of-fold values: the nearer these come to what all
networks say of a new patient, the less of the weight is lost."""
POOLED = 10
"""Principal components of the mean embedding that early fusion reads."""
MOST_TILES, TILE_BUDGET = 4096, 1_500_000
"""Larger bags are thinned evenly, in training and evaluation; a bundle's model reads all tiles."""


@dataclass(frozen=True, eq=False)
class SlideScores:
    """What networks say of n patients."""

    view: BlockView
    """Of the block of slides."""
    gated: Floats | None
    """[n], log-risk of the gated network; None where it was not fitted."""


@dataclass(frozen=True, eq=False)
class SlideModel:
    """What was fitted on the training patients' slides."""

    projection: Projection
    columns: tuple[Column, ...]
    attention: Trained
    gated: Trained | None
    most: int
    agreement: float
    """How much networks taught on different patients say the same: mean correlation of their log-risks, 0 to 1."""

    def tiles(self, embeddings: Embeddings, cases: Sequence[str]) -> list[Features]:
        """Projected tiles [t, k] of each case."""
        return [self.projection(embeddings.bag(case, self.most)) for case in cases]

    def scores(self, cohort: Cohort, tiles: Sequence[Features], beside: Floats | None = None) -> SlideScores:
        """The networks' mean log-risk of new patients; `beside` [n, k] as in `fit_slides`."""
        has = np.array([len(bag) > 0 for bag in tiles], np.bool_)
        risk = np.where(has, self.attention.log_risk(Bags(tiles)).mean(axis=0), np.nan)
        gated = None
        if self.gated:
            gated = self.gated.log_risk(Bags(tiles, _design(self.columns, cohort, beside))).mean(axis=0)
        return SlideScores(BlockView(risk, pooled(tiles, self.projection)), gated)


def fit_slides(
    cohort: Cohort,
    embeddings: Embeddings,
    seed: int,
    *,
    gated: bool = True,
    schedule: Schedule | None = None,
    beside: Floats | None = None,
) -> tuple[SlideModel, SlideScores]:
    """Fit on a training cohort; the scores of its own patients are out of fold.

    `beside` [n, k] are columns of other blocks that the gated network reads; NaN where they are missing.
    """
    has = embeddings.has(cohort.case_ids)
    with_slides = np.flatnonzero(has)
    names = [cohort.case_ids[i] for i in with_slides]
    projection = fit_projection(embeddings, names, [cohort.sites[i] for i in with_slides])
    most = int(np.clip(TILE_BUDGET // max(len(names), 1), 64, MOST_TILES))
    tiles = [projection(embeddings.bag(case, most)) for case in cohort.case_ids]
    columns = fit_columns(cohort.case_values, cohort.profile.of_blocks(cohort.profile.record_blocks))
    folds = patient_folds(cohort.case_ids, cohort.outcome.event, FOLDS, np.random.default_rng([seed, 29]))
    kept = np.tile(np.stack([folds != fold for fold in range(FOLDS)]), (SEEDS, 1))
    schedule = schedule or Schedule()
    attention = train(Bags(tiles), cohort.outcome, kept & has, schedule, seed)
    joint = Bags(tiles, _design(columns, cohort, beside))
    both = train(joint, cohort.outcome, kept, schedule, seed + 1) if gated else None
    log_risks = attention.log_risk(Bags(tiles))
    fold_of_network = np.tile(np.arange(FOLDS), SEEDS)
    model = SlideModel(projection, columns, attention, both, most, agreement(log_risks[:, has], fold_of_network))
    risk = np.where(has, out_of_fold(log_risks, fold_of_network, folds), np.nan)
    mixed = out_of_fold(both.log_risk(joint), fold_of_network, folds) if both else None
    return model, SlideScores(BlockView(risk, pooled(tiles, projection)), mixed)


def pooled(tiles: Sequence[Features], projection: Projection) -> Floats:
    """Components [n, k] of each patient's mean tile; NaN without tiles."""
    count = min(POOLED, projection.axes.shape[1])
    nothing = np.full(count, np.nan)
    return np.stack([bag[:, :count].mean(axis=0, dtype=np.float64) if len(bag) else nothing for bag in tiles])


def _design(columns: tuple[Column, ...], cohort: Cohort, beside: Floats | None) -> Features:
    """Columns that the gated network reads: of the record, and `beside`, where a missing number is 0."""
    design = design_matrix(columns, cohort.case_values)
    if beside is not None:
        design = np.hstack([design, np.nan_to_num(beside, nan=0.0)])
    return np.clip(design, -4, 4).astype(np.float32)
