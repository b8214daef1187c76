"""From cause-specific hazards to the probability of the event of interest when other events compete."""

from collections.abc import Sequence

import numpy as np

from shared.arrays import Floats


def cumulative_incidence(
    times: Floats, baselines: Sequence[Floats], log_hazards: Sequence[Floats], horizons: Floats
) -> Floats:
    """Probability [..., n, h] that the first cause comes before all others and by each of `horizons` [h].

    Each cause has the cumulative hazard [..., m] of the average patient at `times` [m] and the log hazard ratio
    [..., n] of each patient; leading axes are those of fits, the same in all. Times and horizons are in years and
    rise. Cumulative hazards start from 0 at time 0 and grow linearly between the times. Each interval adds
    S(start) * dH1/dH * (1 - exp(-dH)), which is exact for hazards constant within it: Benichou and Gail, Biometrics
    1990;46:813.

    Raises:
        ValueError: a horizon lies past the last time.
    """
    if horizons[-1] > times[-1]:
        raise ValueError(
            f"the horizon of {horizons[-1]:g} years lies past the baseline hazards, which end at {times[-1]:g}"
        )
    grid = np.unique(np.concatenate([[0.0], times[times < horizons[-1]], horizons]))
    steps = [
        np.exp(log_hazard)[..., None] * np.diff(_at(grid, times, baseline))[..., None, :]
        for log_hazard, baseline in zip(log_hazards, baselines, strict=True)
    ]
    total = np.sum(steps, axis=0)
    before = np.concatenate([np.zeros_like(total[..., :1]), np.cumsum(total, axis=-1)[..., :-1]], axis=-1)
    share = np.divide(steps[0], total, out=np.zeros_like(total), where=total > 0)
    summed = np.cumsum(np.exp(-before) * share * -np.expm1(-total), axis=-1)
    return np.asarray(summed[..., np.searchsorted(grid, horizons) - 1], np.float64)


def event_free_survival(
    times: Floats, baselines: Sequence[Floats], log_hazards: Sequence[Floats], years: Floats
) -> Floats:
    """Probability [..., n, t] of no event until each of `years` [t]; arguments as of `cumulative_incidence`."""
    hazards = [
        np.exp(log_hazard)[..., None] * _at(years, times, baseline)[..., None, :]
        for log_hazard, baseline in zip(log_hazards, baselines, strict=True)
    ]
    return np.asarray(np.exp(-np.sum(hazards, axis=0)), np.float64)


def _at(grid: Floats, times: Floats, cumulative: Floats) -> Floats:
    """Cumulative hazards [..., m] at `times` [m] and 0 at time 0, interpolated at `grid` [g]; [..., g].

    Past the last time they stay. The sums are those of numpy.interp, which takes one curve alone.
    """
    knots = np.concatenate([[0.0], times])
    values = np.concatenate([np.zeros_like(cumulative[..., :1]), cumulative], axis=-1)
    left = np.minimum(np.searchsorted(knots, grid, side="right") - 1, len(knots) - 2)
    slopes = np.diff(values) / np.diff(knots)
    inside = slopes[..., left] * (grid - knots[left]) + values[..., left]
    return np.asarray(np.where(grid < knots[-1], inside, values[..., -1:]), np.float64)
