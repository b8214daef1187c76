"""Recalibration of risks on the scale of the log cumulative hazard: calibration.json."""

from collections.abc import Sequence

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


def recalibrated_horizons(risk: Floats, recalibrations: Sequence[Recalibration]) -> Floats:
    """Risks [..., h], each horizon recalibrated by its own; as they are without recalibrations."""
    if not recalibrations:
        return risk
    columns = zip(np.moveaxis(risk, -1, 0), recalibrations, strict=True)
    return np.stack([recalibrated(column, each.intercept, each.slope) for column, each in columns], axis=-1)


def recalibrated_curve(raw: Floats, raw_at_horizons: Floats, recalibrations: Sequence[Recalibration]) -> Floats:
    """Curves of risk [..., m] over time, moved so that they go through the recalibrated risks at the horizons [..., h].

    Risks between 0, those at the horizons and 1 are interpolated linearly, so a curve still rises from 0. Where
    recalibrations contradict each other, and a later horizon has a lower risk, it takes the risk of the earlier one.
    """
    if not recalibrations:
        return raw
    ends = np.zeros((*raw.shape[:-1], 1)), np.ones((*raw.shape[:-1], 1))
    moved = np.maximum.accumulate(recalibrated_horizons(raw_at_horizons, recalibrations), axis=-1)
    knots = (np.concatenate([ends[0], risks, ends[1]], axis=-1) for risks in (raw_at_horizons, moved))
    curves = zip(*(values.reshape(-1, values.shape[-1]) for values in (raw, *knots)), strict=True)
    return np.stack([np.interp(row, *pair) for row, *pair in curves]).reshape(raw.shape)
