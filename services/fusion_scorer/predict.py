"""One arm's answer for one case: log-risk, what it is made of, and risk at each horizon with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.fusion_scorer.arm import Arm, Fit
from services.fusion_scorer.bundle import Bundle
from services.fusion_scorer.hazard import by_column
from services.fusion_scorer.manifest import GroupRule
from services.fusion_scorer.risk import cumulative_incidence, interval, recalibrated
from shared.arrays import Floats
from shared.model.case_values import CaseValues
from shared.model.column import design_matrix
from shared.model.variable import Value


@dataclass(frozen=True, slots=True)
class Horizon:
    """Probability of relapse by `years`, with the interval that the refits span."""

    years: float
    risk: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Relapse log hazard against the average training patient, its parts by variable, and risks."""

    log_risk: float
    by_variable: Mapping[str, float]
    horizons: tuple[Horizon, ...]
    level: float


def predict(bundle: Bundle, name: str, values: Mapping[str, Value]) -> Prediction:
    """Ask an arm about a case; `values` by variable, without what is missing."""
    arm = bundle.arms[name]
    design = design_matrix(arm.columns, CaseValues.of_case(bundle.manifest.profile, values))[0]
    shares = by_column(arm.fit.event.log_hazard, design, bundle.trees)
    parts: dict[str, float] = {}
    for column, share in zip(arm.columns, shares, strict=True):
        parts[column.variable] = parts.get(column.variable, 0.0) + float(share)
    horizons = tuple(_horizon(bundle, name, design, years) for years in bundle.manifest.profile.horizons_years)
    return Prediction(float(np.sum(shares)), parts, horizons, arm.level)


def group(rule: GroupRule, risk: float) -> tuple[str, str]:
    """The group of a risk, and the rule that set it in words and numbers."""
    limits = [0.0, *(float(item.below) for item in rule.groups if item.below is not None)]
    spans = [f"{item.name} {_span(low, item.below)}" for item, low in zip(rule.groups, limits, strict=True)]
    found = next(item.name for item in rule.groups if item.below is None or risk < item.below)
    return found, f"{rule.horizon_years:g}-year risk {risk:.3f}: {', '.join(spans)}; {rule.basis}"


def _span(low: float, below: float | None) -> str:
    if below is None:
        return f"from {low:.3g}"
    return f"{low:.3g} to {below:.3g}" if low else f"under {below:.3g}"


def _horizon(bundle: Bundle, name: str, design: Floats, years: float) -> Horizon:
    arm, calibration = bundle.arms[name], bundle.calibration.of(name, years)

    def risk(fit: Fit) -> float:
        raw = _risk(bundle, arm, fit, design, years)
        return recalibrated(raw, calibration.intercept, calibration.slope)

    estimate = risk(arm.fit)
    return Horizon(years, estimate, *interval(estimate, [risk(fit) for fit in arm.refits], arm.level))


def _risk(bundle: Bundle, arm: Arm, fit: Fit, design: Floats, years: float) -> float:
    hazards = [
        np.asarray(cause.baseline) * np.exp(np.sum(by_column(cause.log_hazard, design, bundle.trees)))
        for cause in fit.causes
    ]
    return cumulative_incidence(np.asarray(arm.times_years), hazards[0], hazards[1:], years)
