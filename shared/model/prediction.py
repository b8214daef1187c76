"""One arm's prediction for cases: log-risk with its parts, and risks at the horizons with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.arrays import Floats
from shared.model.arm import Arm
from shared.model.calibration import Recalibration, recalibrated_horizons
from shared.model.case_values import CaseValues
from shared.model.column import design_matrix
from shared.model.hazards import Trees, contributions
from shared.model.quantiles import percentile_interval


@dataclass(frozen=True, eq=False)
class ArmPrediction:
    """Predictions for n cases at h horizons."""

    log_risk: Floats
    """[n], log hazard of the event of interest against the average training patient."""
    by_variable: Mapping[str, Floats]
    """Parts of the log-risk, [n] each; they sum to it."""
    horizons_years: tuple[float, ...]
    risk: Floats
    """[n, h], probability of the event of interest by each horizon."""
    lo: Floats
    hi: Floats
    """[n, h], ends of the interval that the refits span."""
    level: float
    """Nominal coverage of the interval."""


def predict(
    arm: Arm,
    cases: CaseValues,
    horizons_years: Sequence[float],
    recalibrations: Sequence[Recalibration] = (),
    trees: Mapping[str, Trees] | None = None,
) -> ArmPrediction:
    """Predict cases by an arm; `recalibrations` has one for each horizon, or none, `trees` a model by file name."""
    models = trees or {}
    design, horizons = design_matrix(arm.columns, cases), np.array(horizons_years, np.float64)
    shares = contributions(arm.fit.event.log_hazard, design, models)
    parts: dict[str, Floats] = {}
    for column, share in zip(arm.columns, shares.T, strict=True):
        parts[column.variable] = parts.get(column.variable, np.zeros(len(cases))) + share

    raw = arm.hazards((arm.fit, *arm.refits), design, models).risks(horizons)
    estimate, *refits = recalibrated_horizons(raw, recalibrations)
    lo, hi = percentile_interval(estimate, np.array(refits), arm.level)
    return ArmPrediction(shares.sum(axis=1), parts, tuple(horizons_years), estimate, lo, hi, arm.level)
