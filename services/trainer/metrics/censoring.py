"""Inverse probability of censoring weights."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from shared.arrays import Floats

LEAST = 1e-3
"""A probability of being followed up is never taken as smaller."""


@dataclass(frozen=True, eq=False)
class CensoringSurvival:
    """Kaplan-Meier estimate of staying under observation: `probability` [m] from each of `times` [m] on."""

    times: Floats
    probability: Floats

    def after(self, time: Floats) -> Floats:
        """Probability of being observed past `time`, G(t)."""
        return self._at(np.searchsorted(self.times, time, side="right"))

    def before(self, time: Floats) -> Floats:
        """Probability of being observed up to `time`, G(t-)."""
        return self._at(np.searchsorted(self.times, time, side="left"))

    def _at(self, steps: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
        return np.asarray(np.maximum(np.concatenate([[1.0], self.probability])[steps], LEAST), np.float64)


def censoring_survival(outcome: Outcome) -> CensoringSurvival:
    """Estimate from a cohort; an event at the same time as a censoring is taken to come first."""
    times = np.unique(outcome.time)
    ordered = np.sort(outcome.time)
    at_risk = len(ordered) - np.searchsorted(ordered, times, side="left")
    events = _counts(outcome.time[outcome.event > 0], times)
    lost = _counts(outcome.time[outcome.event == 0], times)
    remaining = at_risk - events
    steps = np.divide(lost, remaining, out=np.zeros(len(times)), where=remaining > 0)
    return CensoringSurvival(times, np.cumprod(1 - steps))


@dataclass(frozen=True, eq=False)
class ByHorizon:
    """Who relapsed by a horizon, `relapsed` [n], and how much each patient counts, `weight` [n], 0 where unknown."""

    years: float
    is_event: Floats
    weight: Floats


def by_horizon(outcome: Outcome, years: float, observed: CensoringSurvival | None = None) -> ByHorizon:
    """Weights for a yes or no at a horizon: Graf et al., Stat Med 1999;18:2529; with competing events Schoop et al.,
    Biom J 2011;53:88.
    """
    observed = observed or censoring_survival(outcome)
    happened = (outcome.time <= years) & (outcome.event > 0)
    past = outcome.time > years
    weight = np.where(happened, 1 / observed.before(outcome.time), 0.0)
    weight = np.where(past, 1 / observed.after(np.full(len(outcome), years)), weight)
    return ByHorizon(years, (happened & outcome.is_event).astype(np.float64), weight)


def _counts(values: Floats, times: Floats) -> Floats:
    places = np.searchsorted(times, values)
    return np.bincount(places, minlength=len(times)).astype(np.float64)
