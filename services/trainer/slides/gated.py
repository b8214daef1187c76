"""The gated network of tiles and table in a fold: a training patient is scored by networks fitted without them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.columns import fit_columns
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Features
from services.trainer.errors import MissingTorchError
from services.trainer.folds import patient_folds
from services.trainer.out_of_fold import out_of_fold
from shared.arrays import Floats
from shared.model.column import Column, design_matrix

try:
    from services.trainer.slides.training import Bags, Schedule, Trained, train
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingTorchError from error

FOLDS, SEEDS = 5, 6
"""Networks for each inner fold. The nearer out-of-fold log-risks come to what all networks say of a new patient, the
better they calibrate it."""


@dataclass(frozen=True, eq=False)
class GatedModel:
    """Networks of one training cohort."""

    columns: tuple[Column, ...]
    networks: Trained

    def log_risk(self, cohort: Cohort, tiles: Sequence[Features], beside: Floats | None) -> Floats:
        """Mean log-risk [n] of new patients, also of those without tiles; `beside` [n, k] as in `fit_gated`."""
        log_risks = self.networks.log_risk(Bags(tiles, _design(self.columns, cohort, beside)))
        return np.asarray(log_risks.mean(axis=0), np.float64)


def fit_gated(cohort: Cohort, tiles: Sequence[Features], seed: int, beside: Floats | None) -> tuple[GatedModel, Floats]:
    """Fit on a training cohort; the log-risks [n] of its own patients are out of fold.

    `tiles` [t, axes] are projected; `beside` [n, k] are columns of other blocks; NaN where they are missing.
    """
    columns = fit_columns(cohort.case_values, cohort.profile.of_blocks(cohort.profile.record_blocks))
    folds = patient_folds(cohort.case_ids, cohort.outcome.event, FOLDS, np.random.default_rng([seed, 29]))
    kept = np.tile(np.stack([folds != fold for fold in range(FOLDS)]), (SEEDS, 1))
    joint = Bags(tiles, _design(columns, cohort, beside))
    networks = train(joint, cohort.outcome, kept, Schedule(), seed + 1)
    log_risk = out_of_fold(networks.log_risk(joint), np.tile(np.arange(FOLDS), SEEDS), folds)
    return GatedModel(columns, networks), log_risk


def _design(columns: tuple[Column, ...], cohort: Cohort, beside: Floats | None) -> Features:
    """Columns that the network reads: of the record, and `beside`, where a missing number is 0."""
    design = design_matrix(columns, cohort.case_values)
    if beside is not None:
        design = np.hstack([design, np.nan_to_num(beside, nan=0.0)])
    return np.clip(design, -4, 4).astype(np.float32)
