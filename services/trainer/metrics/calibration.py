"""Do predicted probabilities come true: observed over expected, slope, intercept and curve at a horizon."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import ByHorizon, by_horizon
from services.trainer.metrics.incidence import cumulative_incidence
from services.trainer.metrics.statistic import Ratio, divide
from shared.arrays import Floats, Ints

_STEPS = 25
_CLIP = 1e-5
_LARGEST_STEP = 2.0


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
        """See Statistic; NaN where all risks are alike."""
        if np.ptp(self.scale) < 1e-9:
            return np.full(len(weights), np.nan)
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
    a, b = _regressed(known, scale, np.ones((1, len(risk))), slope=slope and bool(np.ptp(scale) > 1e-9))
    return (float(a[0]), float(b[0])) if np.isfinite(a[0] + b[0]) else (0.0, 1.0)


def _regressed(known: ByHorizon, scale: Floats, weights: Floats, *, slope: bool) -> tuple[Floats, Floats]:
    """Fisher scoring for P = 1 - exp(-exp(a + b scale)), all samples at once."""
    counts = weights * known.weight
    a, b = np.zeros(len(weights)), np.ones(len(weights))
    for _ in range(_STEPS):
        eta = np.clip(a[:, None] + b[:, None] * scale, -12, 3)
        rate = np.exp(eta)
        chance = np.clip(-np.expm1(-rate), 1e-9, 1 - 1e-9)
        density = rate * np.exp(-rate)
        gradient = counts * density * (known.is_event - chance) / (chance * (1 - chance))
        information = counts * density**2 / (chance * (1 - chance))
        da, db = _step(gradient, information, scale, slope=slope)
        a, b = a + da, b + db
        if np.nanmax(np.abs(da) + np.abs(db), initial=0.0) < 1e-8:
            break
    return a, b


def _step(gradient: Floats, information: Floats, scale: Floats, *, slope: bool) -> tuple[Floats, Floats]:
    g0, i00 = gradient.sum(axis=1), information.sum(axis=1)
    if not slope:
        return np.clip(divide(g0, i00), -_LARGEST_STEP, _LARGEST_STEP), np.zeros(len(g0))
    g1, i01, i11 = gradient @ scale, information @ scale, information @ scale**2
    determinant = i00 * i11 - i01**2
    da, db = divide(i11 * g0 - i01 * g1, determinant), divide(i00 * g1 - i01 * g0, determinant)
    return np.clip(da, -_LARGEST_STEP, _LARGEST_STEP), np.clip(db, -_LARGEST_STEP, _LARGEST_STEP)


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
