"""Do predicted probabilities come true: observed over expected, slope, intercept and curve at a horizon."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import ByHorizon, by_horizon
from services.trainer.metrics.incidence import cumulative_incidence
from services.trainer.metrics.log_log_line import Observations, fit
from services.trainer.metrics.statistic import Ratio, divide
from shared.arrays import Floats, Ints

_CLIP = 1e-5


def observed_over_expected(outcome: Outcome, risk: Floats, years: float) -> Ratio:
    """Relapses by `years` over the sum of the risks; 1 is right, above 1 the risks are too low."""
    known = by_horizon(outcome, years)
    return Ratio(known.weight * known.is_event, risk)


def log_hazard_scale(risk: Floats) -> Floats:
    """log(-log(1 - risk))."""
    inside = np.clip(risk, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(-np.log1p(-inside)), np.float64)


@dataclass(frozen=True, eq=False)
class Slope:
    """Slope of what happened on the predicted log hazard; 1 is right, below 1 the risks are too extreme."""

    known: ByHorizon
    scale: Floats
    """log(-log(1 - risk)) [n]."""

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic; NaN where it is not determined: risks are constant, or separate events from the others."""
        return _regressed(self.known, self.scale, weights, slope=True)[1]


@dataclass(frozen=True, eq=False)
class Intercept:
    """Calibration in the large: likeliest shift of the log hazard at slope 1; 0 is right, above it risks are low."""

    known: ByHorizon
    scale: Floats

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        return _regressed(self.known, self.scale, weights, slope=False)[0]


def slope(outcome: Outcome, risk: Floats, years: float) -> Slope:
    """Slope by IPCW-weighted regression with complementary log-log link."""
    return Slope(by_horizon(outcome, years), log_hazard_scale(risk))


def intercept(outcome: Outcome, risk: Floats, years: float) -> Intercept:
    """Intercept by the same regression."""
    return Intercept(by_horizon(outcome, years), log_hazard_scale(risk))


def line(outcome: Outcome, risk: Floats, years: float, *, slope: bool) -> tuple[float, float]:
    """Intercept and slope of outcomes on the predicted log hazard; slope 1 where it is not requested or undefined."""
    known, scale = by_horizon(outcome, years), log_hazard_scale(risk)
    a, b = _regressed(known, scale, np.ones((1, len(risk))), slope=slope)
    return (float(a[0]), float(b[0])) if np.isfinite(a[0] + b[0]) else (0.0, 1.0)


def _regressed(known: ByHorizon, scale: Floats, weights: Floats, *, slope: bool) -> tuple[Floats, Floats]:
    """Intercept and slope [b] of the weighted outcomes; NaN where they are not determined."""
    counted = known.weight > 0
    seen = Observations(known.is_event[counted] > 0, scale[counted], (weights * known.weight)[:, counted])
    return fit(seen, slope=slope)


@dataclass(frozen=True, eq=False)
class Bin:
    """Patients of similar risk: mean risk, observed incidence (Aalen-Johansen) and members."""

    predicted: float
    observed: float
    members: Ints


def bins(outcome: Outcome, risk: Floats, years: float, count: int = 5) -> list[Bin]:
    """Equal groups by risk; groups that would all have the same risk are one."""
    parts = np.array_split(np.argsort(risk, kind="stable"), count) if np.ptp(risk) > 1e-9 else [np.arange(len(risk))]
    return [
        Bin(float(risk[members].mean()), float(cumulative_incidence(outcome[members], np.array([years]))[0]), members)
        for members in parts
        if len(members)
    ]


def smooth_curve(outcome: Outcome, risk: Floats, years: float, points: int = 40) -> tuple[Floats, Floats]:
    """Predicted and observed [points] risk, by a Gaussian kernel on the log hazard scale."""
    known, scale = by_horizon(outcome, years), log_hazard_scale(risk)
    width = max(1.06 * float(scale.std()) * len(scale) ** -0.2, 0.1)
    places = np.linspace(float(np.quantile(scale, 0.02)), float(np.quantile(scale, 0.98)), points)
    kernel = np.exp(-0.5 * ((places[:, None] - scale[None, :]) / width) ** 2) * known.weight
    observed = divide(kernel @ known.is_event, kernel.sum(axis=1))
    return np.asarray(-np.expm1(-np.exp(places)), np.float64), observed
