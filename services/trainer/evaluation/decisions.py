"""What follows from acting on an arm's risk: its operating point, and net benefit over thresholds."""

import numpy as np

from services.trainer.evaluation.pooled import Of, Pooled, Restricted
from services.trainer.metrics import decision
from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded, wilson
from services.trainer.metrics.statistic import Mean, Ratio
from services.trainer.report_model.arms import DecisionCurve, OperatingPoint
from shared.arrays import Ints

BENEFIT_CURVE = tuple(np.round(np.arange(0.05, 0.605, 0.025), 3).tolist())
"""Thresholds of the decision curve."""


def operating_point(pooled: Pooled, name: str, bootstrap: Bootstrap) -> OperatingPoint:
    """Shares of those flagged and not flagged by the thresholds of the training data."""
    years, arm = pooled.horizons[0], pooled.arms[name]
    limits = arm.thresholds
    return OperatingPoint(
        horizon_years=years,
        threshold=Figure(float(limits.mean()), float(limits.min()), float(limits.max())).rounded(),
        sensitivity=_share(pooled, name, arm.known, "sensitivity", bootstrap),
        specificity=_share(pooled, name, arm.known, "specificity", bootstrap),
        ppv=_share(pooled, name, arm.known, "ppv", bootstrap),
        npv=_share(pooled, name, arm.known, "npv", bootstrap),
    )


def _share(pooled: Pooled, name: str, index: Ints, which: str, bootstrap: Bootstrap) -> Figure:
    """One share of the operating point; Wilson's interval where the share is 0 or 1."""
    outcome, years = pooled.cohort.outcome[index], pooled.horizons[0]
    parts: list[Ratio] = [
        getattr(decision.operating(outcome, row[index], years), which) for row in pooled.arms[name].flagged
    ]
    figure = bootstrap.figure(Restricted(index, Mean(parts)))
    patients = float(np.mean([part.patients for part in parts]))
    if figure.est is None or patients <= 0 or 1e-9 < figure.est < 1 - 1e-9:
        return figure.rounded()
    return wilson(figure.est, patients).rounded()


def decision_curve(pooled: Pooled, arms: list[str], bootstrap: Bootstrap) -> DecisionCurve:
    """Net benefit of arms, of treating all and of treating none, over thresholds at the first horizon."""
    years, outcome = pooled.horizons[0], pooled.cohort.outcome
    place, everyone, smaller = pooled.place(years), np.ones(len(outcome)), bootstrap.fewer
    benefits = {
        "treat_all": [smaller.figure(decision.net_benefit(outcome, everyone, years, at)) for at in BENEFIT_CURVE],
        "treat_none": [Figure(0.0, 0.0, 0.0)] * len(BENEFIT_CURVE),
    }
    for name in arms:
        known = pooled.arms[name].known
        statistics = (pooled.figure(name, known, _benefit_at(years, place, at)) for at in BENEFIT_CURVE)
        benefits[name] = [smaller.figure(statistic) for statistic in statistics]
    return DecisionCurve(
        horizon_years=years,
        thresholds=BENEFIT_CURVE,
        net_benefit={name: tuple(rounded(figure.est) for figure in row) for name, row in benefits.items()},
        intervals={
            name: tuple((rounded(figure.lo), rounded(figure.hi)) for figure in row) for name, row in benefits.items()
        },
    )


def _benefit_at(years: float, place: int, at: float) -> Of:
    return lambda outcome, prediction: decision.net_benefit(outcome, prediction.risk[:, place], years, at)
