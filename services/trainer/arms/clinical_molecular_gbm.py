"""Arm E: LightGBM on clinical and molecular variables."""

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.columns import fit_columns
from services.trainer.arms.scored import fit_scored
from services.trainer.arms.trees import fit_trees
from shared.arrays import Floats
from shared.model.column import design_matrix

BLOCKS = frozenset({"clinical", "molecular"})


class ClinicalMolecularGbm:
    """Trees on the columns of the ridge model, calibrated by a Cox model of their score."""

    name = "clinical_molecular_gbm"
    title = "{table} variables, LightGBM"

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Some variable must be known."""
        known = patients.has_block("clinical") | patients.has_block("molecular")
        return None if known.any() else "no clinical or molecular variable is known"

    def fit(self, train: Patients) -> Fitted:
        """Fit trees, and calibrate on their out-of-fold scores."""
        columns = fit_columns(train.case_values, train.cohort.profile.of_blocks(BLOCKS))
        x = design_matrix(columns, train.case_values)
        trees = fit_trees(x, train.cohort.outcome, train.inner_folds(), train.seed)

        def score(patients: Patients) -> Floats:
            return trees.score(design_matrix(columns, patients.case_values))

        return fit_scored(train, trees.out_of_fold, score)
