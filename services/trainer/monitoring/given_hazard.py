"""The cause-specific cumulative hazard that a score implies, from its curve and its risks given no event."""

from collections.abc import Mapping

import numpy as np

from shared.arrays import Floats


def cumulative_hazard(years: Floats, risk: Floats, event_free: Mapping[float, float]) -> Floats:
    """Cumulative hazard [m] of the event of interest at `years` [m], rising from 0.

    `risk` [m] is the cumulative incidence F, `event_free` the probability S of no event of any kind until some of the
    years. Between them the incidence of competing events, 1 - S - F, is taken as linear in F, and after the last as
    rising on: exact where both hazards are in one proportion. Hazards constant between two of `years` give
    dF * log(S0 / S1) / (S0 - S1), which is exact for them.
    """
    survival = np.clip(1 - risk - _competing(years, risk, event_free), 1e-6, 1.0)
    before, after = survival[:-1], np.minimum(survival[1:], survival[:-1])
    lost = before - after
    factor = np.where(lost > 1e-12, np.log(before / after) / np.where(lost > 1e-12, lost, 1), 1 / before)
    return np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(risk), 0) * factor)])


def event_free_probability(by_landmark: float, by_horizon: float, conditional: float) -> float | None:
    """S(landmark), where the conditional risk is (F(horizon) - F(landmark)) / S(landmark); None where it is 0."""
    return (by_horizon - by_landmark) / conditional if conditional > 0 else None


def _competing(years: Floats, risk: Floats, event_free: Mapping[float, float]) -> Floats:
    """Incidence [m] of competing events; none where nothing is known of them."""
    known = sorted(event_free)
    if not known:
        return np.zeros(len(years))
    at = np.array([0.0, *np.interp(known, years, risk)])
    incidence = [max(0.0, 1 - event_free[year] - each) for year, each in zip(known, at[1:], strict=True)]
    competing = np.maximum.accumulate(np.array([0.0, *incidence]))
    gained = at[-1] - at[-2]
    slope = (competing[-1] - competing[-2]) / gained if gained > 0 else 0.0
    return np.asarray(np.interp(risk, at, competing) + slope * np.maximum(risk - at[-1], 0), np.float64)
