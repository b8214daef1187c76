"""What happened to patients of low and of high risk."""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.evaluation.pooled import Pooled
from services.trainer.metrics.bootstrap import Bootstrap, rounded
from services.trainer.metrics.incidence import at_risk, log_rank
from services.trainer.metrics.incidence_band import incidence_band
from services.trainer.report_model.arms import Curve, RiskGroup, RiskGroups
from shared.arrays import Flags, Floats, Ints

_LEAST = 5
"""A curve ends where fewer patients are still followed."""


def risk_groups(pooled: Pooled, arm: str, bootstrap: Bootstrap) -> RiskGroups:
    """Cumulative incidence of those flagged in most repeats and of the others (Aalen-Johansen), and log-rank test."""
    result = pooled.arms[arm]
    high = result.flagged.mean(axis=0) > 0.5
    parts = {"low risk": np.setdiff1d(result.known, np.flatnonzero(high)), "high risk": _among(result.known, high)}
    groups = tuple(_group(pooled, name, index, bootstrap) for name, index in parts.items() if len(index))
    outcome = pooled.cohort.outcome[result.known]
    p = rounded(log_rank(outcome, high[result.known].astype(np.int64))) if pooled.cohort.has_times else None
    return RiskGroups(arm=arm, groups=groups, log_rank_p=p)


def _among(known: Ints, mask: Flags) -> Ints:
    return np.asarray(known[mask[known]], np.int64)


def _group(pooled: Pooled, name: str, index: Ints, bootstrap: Bootstrap) -> RiskGroup:
    """Incidence of one group at the horizons, with intervals; its curve too, where the outcome has times."""
    outcome, horizons = pooled.cohort.outcome[index], np.array(pooled.horizons)
    draws = bootstrap.fewer.weights[:, index]
    draws = draws[draws.sum(axis=1) > 0]
    has_curve = pooled.cohort.has_times and len(index) >= _LEAST
    return RiskGroup(
        name=name,
        n=len(index),
        events=int(outcome.is_event.sum()),
        at=dict(zip(pooled.horizons, incidence_band(outcome, horizons, draws), strict=True)),
        curve=_curve(outcome, draws, 2 * pooled.horizons[-1]) if has_curve else None,
    )


def _curve(outcome: Outcome, draws: Floats, most: float) -> Curve:
    """Up to `most` years, or to where too few are still followed."""
    longest = min(float(np.sort(outcome.time)[-_LEAST]), most)
    times, years = np.linspace(0, longest, 81), np.arange(0, longest + 1e-9)
    band = incidence_band(outcome, times, draws)
    return Curve(
        times=tuple(rounded(float(time)) for time in times),
        incidence=tuple(figure.est for figure in band),
        lo=tuple(figure.lo for figure in band),
        hi=tuple(figure.hi for figure in band),
        years=tuple(years.tolist()),
        at_risk=tuple(at_risk(outcome, years).tolist()),
    )
