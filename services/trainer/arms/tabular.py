"""A ridge Cox model of some columns for every cause: the shape that a bundle's arm has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.trainer.arms.columns import fit_columns, log_risk_columns, ridge_shares
from services.trainer.arms.cox import Sample, baseline, choose_ridge, fit_cox
from services.trainer.arms.hazards import Prediction
from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.incidence import cumulative_hazard
from shared.arrays import Flags, Floats, Ints
from shared.model.arm import Arm
from shared.model.calibration import Recalibration, recalibrated_curve
from shared.model.case_values import CaseValues
from shared.model.column import Column, design_matrix
from shared.model.hazards import Fit, Trees, linear_cause, log_hazards
from shared.model.variable import Variable

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
COMPETING = 100.0
"""Ridge of the causes that compete: they have few events."""


@dataclass(frozen=True, eq=False)
class Tabular:
    """A fitted arm, with the reference of its log-risks and its ridge."""

    arm: Arm
    reference: float
    """Log of the training cohort's cumulative hazard at the horizon; log-risks are against it."""
    horizon: int
    """Place of the first horizon in the arm's time grid."""
    ridge: float = 0.0
    trees: Mapping[str, Trees] = field(default_factory=dict)
    """LightGBM models by file, for an arm that names one."""
    recalibrations: Mapping[float, Recalibration] = field(default_factory=dict)
    """By horizon, in order; all horizons of a bundle, or none."""

    @property
    def coefficients(self) -> Floats:
        """Weights [p] of the standardised columns in the log hazard of the event of interest."""
        return self.arm.fit.event.coefficients

    def predict(self, cases: CaseValues) -> Prediction:
        """Log-risk and risks of patients."""
        return self.predict_design(design_matrix(self.arm.columns, cases))

    def predict_design(self, x: Floats) -> Prediction:
        """Log-risk and risks of a standardised design [n, p].

        A recalibrated risk leaves the share of those without the event who have no competing one as it is.
        """
        event, times = self.arm.fit.event, self.arm.times_years
        level = np.log(max(float(event.baseline[self.horizon]), 1e-12)) - self.reference
        log_risk = log_hazards(event.log_hazard, x, self.trees) + level
        hazards = self.arm.hazards([self.arm.fit], x, self.trees)
        (raw,), (free,) = hazards.risks(times), hazards.event_free(times)
        at_horizons = raw[:, np.searchsorted(times, np.array(list(self.recalibrations)) - 1e-9)]
        risk = recalibrated_curve(raw, at_horizons, list(self.recalibrations.values()))
        spared = np.divide(1 - risk, 1 - raw, out=np.ones_like(raw), where=raw < 1)
        return Prediction(log_risk, risk, free * spared)


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a tabular model is made of; `penalties` of one value is taken as it is."""

    variables: tuple[Variable, ...]
    grid: Floats
    horizon: int
    penalties: tuple[float, ...] = PENALTIES


def fit_tabular(recipe: Recipe, train: CaseValues, outcome: Outcome, folds: Ints) -> Tabular:
    """Fit columns, ridge (by the inner `folds` [n]) and coefficients on training patients.

    The ridge is chosen as one for all columns. Chosen under the share that log-risks bear, it would be stronger for the
    other columns, and risks would be less well calibrated: study `fusion` of tests/studies.
    """
    columns = fit_columns(train, recipe.variables)
    x, log_risks = design_matrix(columns, train), log_risk_columns(columns, train.profile)
    ridge = choose_ridge(x, outcome.time, outcome.is_event, folds, recipe.penalties, log_risks)
    return fit_design(columns, x, outcome, recipe, ridge, log_risks, ridge_shares(log_risks))


def fit_design(
    columns: Sequence[Column],
    x: Floats,
    outcome: Outcome,
    recipe: Recipe,
    ridge: float,
    non_negative: Flags,
    shares: float | Floats = 1.0,
) -> Tabular:
    """Fit every cause on a design [n, p]; weights of the `non_negative` columns [p] are at least 0.

    Each column bears its share [p] of the ridge of the event of interest; causes that compete have one ridge for all
    columns, since a log-risk is of the event alone.
    """
    causes = []
    for code in outcome.causes:
        sample = Sample.of(x, outcome.time, outcome.event == code)
        coefficients = fit_cox(sample, ridge * shares if code == 1 else COMPETING, non_negative=non_negative)
        causes.append(linear_cause(coefficients, baseline(sample, coefficients, recipe.grid)))
    event, *competing = causes
    arm = Arm(columns=tuple(columns), times_years=recipe.grid, fit=Fit(event=event, competing=tuple(competing)))
    level = float(cumulative_hazard(outcome, recipe.grid[recipe.horizon : recipe.horizon + 1])[0])
    return Tabular(arm, float(np.log(max(level, 1e-12))), recipe.horizon, ridge)
