"""A ridge Cox model of some columns for every cause: the shape that a bundle's arm has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.columns import fit_columns
from services.trainer.arms.cox import Sample, baseline, choose_ridge, fit_cox
from services.trainer.arms.hazards import Prediction, incidence
from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.incidence import cumulative_hazard
from shared.arrays import Flags, Floats, Ints
from shared.model.case_values import CaseValues
from shared.model.column import Column, design_matrix
from shared.model.variable import Variable

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
COMPETING = 100.0
"""Ridge of the causes that compete: they have few events."""


@dataclass(frozen=True, eq=False)
class CauseFit:
    """Coefficients [p] of the standardised columns, and the average patient's cumulative hazard [m]."""

    coefficients: Floats
    baseline: Floats


@dataclass(frozen=True, eq=False)
class Tabular:
    """A fitted model; `causes` has the event of interest first."""

    columns: tuple[Column, ...]
    grid: Floats
    causes: tuple[CauseFit, ...]
    reference: float
    """Log of the training cohort's cumulative hazard at the horizon; log-risks are against it."""
    horizon: int
    """Place of the first horizon in the grid."""
    ridge: float

    def predict(self, cases: CaseValues) -> Prediction:
        """Log-risk and risks of patients."""
        return self.predict_design(design_matrix(self.columns, cases))

    def predict_design(self, x: Floats) -> Prediction:
        """Log-risk and risks of a standardised design [n, p]."""
        logs = [x @ cause.coefficients for cause in self.causes]
        level = np.log(max(float(self.causes[0].baseline[self.horizon]), 1e-12)) - self.reference
        return Prediction(logs[0] + level, incidence(logs, [cause.baseline for cause in self.causes]))


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a tabular model is made of; `penalties` of one value is taken as it is."""

    variables: tuple[Variable, ...]
    grid: Floats
    horizon: int
    penalties: tuple[float, ...] = PENALTIES


def fit_tabular(recipe: Recipe, train: CaseValues, outcome: Outcome, folds: Ints) -> Tabular:
    """Fit columns, ridge (by the inner `folds` [n]) and coefficients on training patients."""
    columns = fit_columns(train, recipe.variables)
    x = design_matrix(columns, train)
    ridge = recipe.penalties[0]
    if len(recipe.penalties) > 1:
        ridge = choose_ridge(x, outcome.time, outcome.relapsed, folds, recipe.penalties)
    return fit_design(columns, x, outcome, recipe, ridge)


def fit_design(columns: Sequence[Column], x: Floats, outcome: Outcome, recipe: Recipe, ridge: float) -> Tabular:
    """Fit every cause on a design [n, p]."""
    causes = tuple(
        _cause(x, outcome.time, outcome.event == code, ridge if code == 1 else COMPETING, recipe.grid)
        for code in outcome.causes
    )
    level = float(cumulative_hazard(outcome, recipe.grid[recipe.horizon : recipe.horizon + 1])[0])
    return Tabular(tuple(columns), recipe.grid, causes, float(np.log(max(level, 1e-12))), recipe.horizon, ridge)


def _cause(x: Floats, times: Floats, events: Flags, ridge: float, grid: Floats) -> CauseFit:
    sample = Sample.of(x, times, events)
    coefficients = fit_cox(sample, ridge)
    return CauseFit(coefficients, baseline(sample, coefficients, grid))
