"""Early concatenation, the way of the first papers: principal components of pooled embeddings beside the table.

Components of vectors stand beside them too.
Ridge Cox and LightGBM read the joined columns, and the mean of their standardised scores is the answer.
"""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.columns import fit_columns
from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.arms.known_blocks import too_few
from services.trainer.arms.ridge_cox import LEAST_EVENTS
from services.trainer.arms.scored import fit_scored
from services.trainer.arms.tabular import PENALTIES
from services.trainer.arms.trees import Trees, fit_trees
from services.trainer.cohort.cohort import Outcome
from shared.arrays import Floats, Ints
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


@dataclass(frozen=True)
class EarlyConcat:
    """Components of every block and variables in one table; patients who lack a block have no answer."""

    title: str
    name: str = "early_concat"

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Every block that has components must be known of enough patients, and all of them together."""
        if not patients.views:
            return "there are no slides"
        lacking = [too_few(patients, block) for block in patients.views]
        return next((why for why in lacking if why), None) or _too_few_together(patients)

    def fit(self, train: Patients) -> Fitted:
        """Fit both models on patients with every block, and calibrate the mean of their out-of-fold scores."""
        profile = train.cohort.profile
        columns = fit_columns(train.case_values, profile.of_blocks(profile.record_blocks))
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
    """Design [n, p + k]; components are NaN without their block."""
    components = [view.components for view in patients.views.values()]
    return np.hstack([design_matrix(columns, patients.case_values), *components])


def _too_few_together(patients: Patients) -> str | None:
    """Why too few patients have every block that has components; None where they do not."""
    events = int(patients.cohort.outcome.is_event[patients.has_blocks(patients.views)].sum())
    return None if events >= LEAST_EVENTS else f"all blocks together are known of too few patients: {events} events"


def _linear(x: Floats, outcome: Outcome, folds: Ints) -> tuple[Floats, Floats]:
    """Out-of-fold scores [n] and coefficients of the ridge model."""
    ridge = choose_ridge(x, outcome.time, outcome.is_event, folds, PENALTIES)
    scores = np.zeros(len(x))
    for fold in np.unique(folds):
        kept = folds != fold
        fitted = fit_cox(Sample.of(x[kept], outcome.time[kept], outcome.is_event[kept]), ridge)
        scores[~kept] = x[~kept] @ fitted
    return scores, fit_cox(Sample.of(x, outcome.time, outcome.is_event), ridge)
