"""LightGBM on the variables of the record."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.columns import fit_columns
from services.trainer.arms.known_blocks import record_words
from services.trainer.arms.scored import fit_scored
from services.trainer.arms.trees import fit_trees
from shared.arrays import Floats
from shared.model.column import design_matrix


@dataclass(frozen=True)
class GradientBoosting:
    """Trees on the columns of the ridge model, calibrated by a Cox model of their score."""

    name: str
    title: str = "{table} variables, LightGBM"

    def unavailable_reason(self, patients: Patients) -> str | None:
        """At least one variable must be known."""
        profile = patients.cohort.profile
        known = np.logical_or.reduce([patients.has_block(block) for block in profile.record_blocks])
        return None if known.any() else f"no {record_words(profile, 'or')} variable is known"

    def fit(self, train: Patients) -> Fitted:
        """Fit trees, and calibrate on their out-of-fold scores."""
        profile = train.cohort.profile
        columns = fit_columns(train.case_values, profile.of_blocks(profile.record_blocks))
        x = design_matrix(columns, train.case_values)
        trees = fit_trees(x, train.cohort.outcome, train.inner_folds(), train.seed)

        def score(patients: Patients) -> Floats:
            return trees.score(design_matrix(columns, patients.case_values))

        return fit_scored(train, trees.out_of_fold, score)
