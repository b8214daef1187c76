"""Arm H: early concatenation, the way of the first papers: principal components of pooled embeddings beside the table.

Ridge Cox and LightGBM read the joined columns, and the mean of their standardised scores is the answer.
"""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.clinical_molecular_gbm import BLOCKS
from services.trainer.arms.columns import fit_columns
from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.arms.ridge_cox import too_few
from services.trainer.arms.scored import fit_scored
from services.trainer.arms.tabular import PENALTIES
from services.trainer.arms.trees import Trees, fit_trees
from services.trainer.cohort.cohort import Outcome
from shared.arrays import Floats, Ints
from shared.model.block import PATHOMIC
from shared.model.column import Column, design_matrix


@dataclass(frozen=True, eq=False)
class _Joint:
    """Both models of the joined columns."""

    columns: tuple[Column, ...]
    coefficients: Floats
    trees: Trees
    linear_scale: float
    trees_scale: float

    def __call__(self, patients: Patients) -> Floats:
        x = joined(self.columns, patients)
        return self.linear_scale * (x @ self.coefficients) + self.trees_scale * self.trees.score(x)


class EarlyConcat:
    """Pooled embeddings and variables in one table; patients without slides have no answer."""

    name = "early_concat"
    title = "{table} and pooled embeddings, early fusion"

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Slides of enough patients are needed."""
        return too_few(patients, PATHOMIC) if patients.slides else "there are no slides"

    def fit(self, train: Patients) -> Fitted:
        """Fit both models on patients with slides, and calibrate the mean of their out-of-fold scores."""
        columns = fit_columns(train.case_values, train.cohort.profile.of_blocks(BLOCKS))
        x, folds = joined(columns, train), train.inner_folds()
        known = np.flatnonzero(~np.isnan(x).any(axis=1))
        x, folds, outcome = x[known], folds[known], train.cohort.outcome[known]
        linear, coefficients = _linear(x, outcome, folds)
        trees = fit_trees(x, outcome, folds, train.seed)
        scales = [1 / max(float(log_risk.std()), 1e-6) for log_risk in (linear, trees.out_of_fold)]
        out_of_fold = np.full(len(train), np.nan)
        out_of_fold[known] = scales[0] * linear + scales[1] * trees.out_of_fold
        return fit_scored(train, out_of_fold, _Joint(columns, coefficients, trees, *scales))


def joined(columns: tuple[Column, ...], patients: Patients) -> Floats:
    """Design [n, p + k]; components are NaN without slides."""
    if patients.slides is None:
        raise ValueError("patients without a view of their slides")
    return np.hstack([design_matrix(columns, patients.case_values), patients.slides.pooled])


def _linear(x: Floats, outcome: Outcome, folds: Ints) -> tuple[Floats, Floats]:
    """Out-of-fold scores [n] and coefficients of the ridge model."""
    ridge = choose_ridge(x, outcome.time, outcome.is_event, folds, PENALTIES)
    scores = np.zeros(len(x))
    for fold in np.unique(folds):
        kept = folds != fold
        fitted = fit_cox(Sample.of(x[kept], outcome.time[kept], outcome.is_event[kept]), ridge)
        scores[~kept] = x[~kept] @ fitted
    return scores, fit_cox(Sample.of(x, outcome.time, outcome.is_event), ridge)
