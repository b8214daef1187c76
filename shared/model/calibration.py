"""Recalibration of risks on the scale of the log cumulative hazard: calibration.json."""

import numpy as np
from pydantic import Field, PositiveFloat

from shared.arrays import Floats
from shared.model.variable import Frozen


class Recalibration(Frozen):
    """Intercept and slope on the scale of log(-log(1 - risk)); 0 and 1 leave a risk as it is."""

    intercept: float = 0.0
    slope: PositiveFloat = 1.0


class Calibration(Frozen):
    """calibration.json: for each arm, a recalibration for each horizon (`3` or `2.5` years as text)."""

    arms: dict[str, dict[str, Recalibration]] = Field(default_factory=dict)
    """An arm or horizon that is not named is served as its model gives it."""
    basis: str = ""
    """Where the recalibrations came from, or why there are none, in words."""

    def of(self, arm: str, horizon_years: float) -> Recalibration:
        """The recalibration of an arm's risk at a horizon."""
        return self.arms.get(arm, {}).get(f"{horizon_years:g}", Recalibration())


def recalibrated(risk: Floats, intercept: float, slope: float) -> Floats:
    """Risks [...] moved by `intercept` and `slope` on the scale of log(-log(1 - risk)); 0 and 1 stay as they are."""
    inside = (risk > 0) & (risk < 1)
    scale = np.log(-np.log1p(-np.where(inside, risk, 0.5)))
    return np.where(inside, -np.expm1(-np.exp(intercept + slope * scale)), risk)
