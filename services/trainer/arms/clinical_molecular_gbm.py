"""Arm E: LightGBM on clinical and molecular variables."""

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.columns import fit_columns, matrix
from services.trainer.arms.scored import fit_scored
from services.trainer.arms.trees import fit_trees
from services.trainer.cohort.cohort import Floats

BLOCKS = frozenset({"clinical", "molecular"})


class ClinicalMolecularGbm:
    """Trees on the columns of the ridge model, calibrated by a Cox model of their score."""

    name = "clinical_molecular_gbm"
    title = "{table} variables, LightGBM"

    def lacks(self, patients: Patients) -> str | None:
        """Some variable must be known."""
        known = patients.knows("clinical") | patients.knows("molecular")
        return None if known.any() else "no clinical or molecular variable is known"

    def fit(self, train: Patients) -> Fitted:
        """Fit trees, and calibrate on their out-of-fold scores."""
        columns = fit_columns(train.cohort, train.cohort.profile.of_blocks(BLOCKS), None)
        x = matrix(columns, train.cohort, None)
        trees = fit_trees(x, train.cohort.outcome, train.inner_folds(), train.seed)

        def score(patients: Patients) -> Floats:
            return trees.score(matrix(columns, patients.cohort, None))

        return fit_scored(train, trees.out_of_fold, score)
