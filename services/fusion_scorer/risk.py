"""From cause-specific hazards to the probability of relapse when other events compete."""

from collections.abc import Sequence

import numpy as np

from shared.arrays import Floats


def cumulative_incidence(times: Floats, event: Floats, competing: Sequence[Floats], horizon: float) -> float:
    """Probability that the event of interest comes first, before `horizon`.

    All cumulative hazards [m] are those of one patient at `times` [m] (years, rising) and grow linearly between them,
    starting from 0 at time 0. Each interval adds S(start) * dH1/dH * (1 - exp(-dH)), which is exact for hazards
    constant within it: Benichou and Gail, Biometrics 1990;46:813. Never above one.

    Raises:
        ValueError: the horizon lies past the grid.
    """
    grid = _grid(times, horizon)
    steps_event = np.diff(_at(grid, times, event))
    steps_all = steps_event + sum((np.diff(_at(grid, times, other)) for other in competing), np.zeros_like(steps_event))
    surviving = np.exp(-np.concatenate([[0.0], np.cumsum(steps_all)[:-1]]))
    share = np.divide(steps_event, steps_all, out=np.zeros_like(steps_all), where=steps_all > 0)
    return float(np.sum(surviving * share * -np.expm1(-steps_all)))


def interval(estimate: float, refits: Sequence[float], level: float) -> tuple[float, float]:
    """Percentile interval of the refits' estimates at nominal coverage `level`, widened to hold the estimate itself.

    Percentiles are those between which one more refit would fall with probability `level` (place p (n + 1) among n).
    Without refits nothing is known of the spread: (0, 1).
    """
    if not refits:
        return 0.0, 1.0
    lo, hi = np.quantile(np.asarray(refits), [(1 - level) / 2, (1 + level) / 2], method="weibull")
    return min(float(lo), estimate), max(float(hi), estimate)


def recalibrated(risk: float, intercept: float, slope: float) -> float:
    """Move a risk by `intercept` and `slope` on the scale of log(-log(1 - risk)), the log cumulative hazard."""
    if risk <= 0 or risk >= 1:
        return risk
    return float(-np.expm1(-np.exp(intercept + slope * np.log(-np.log1p(-risk)))))


def percentile(value: float, quantiles: Sequence[float]) -> float:
    """Place of `value`, 0 to 100, among evenly spaced quantiles (from minimum to maximum, rising) of a sample."""
    return float(np.interp(value, quantiles, np.linspace(0.0, 100.0, len(quantiles))))


def _grid(times: Floats, horizon: float) -> Floats:
    if horizon > times[-1]:
        raise ValueError(f"the horizon of {horizon:g} years lies past the baseline hazards, which end at {times[-1]:g}")
    return np.concatenate([[0.0], times[times < horizon], [horizon]])


def _at(grid: Floats, times: Floats, cumulative: Floats) -> Floats:
    return np.asarray(np.interp(grid, np.concatenate([[0.0], times]), np.concatenate([[0.0], cumulative])), np.float64)
