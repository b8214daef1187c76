"""Fine-Gray: the subdistribution hazard, where patients with a competing event stay at risk, weighted for censoring."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import censoring_survival
from services.trainer.metrics.statistic import divide
from shared.arrays import Floats, Ints

_STEPS = 30
_LARGEST_STEP = 1.0
_CONVERGED = 1e-9


@dataclass(frozen=True, eq=False)
class FineGray:
    """Log subdistribution hazard ratio of one unit of `x` [n]; with no competing event, Cox's with Breslow's ties.

    Fine and Gray, J Am Stat Assoc 1999;94:496. Patients are in the order of their times.
    """

    order: Ints
    x: Floats
    starts: Ints
    """[m], place of the first patient who is observed at the time of each event of interest."""
    events: Ints
    """[m], the patients whose time ends with the event of interest."""
    competing_weight: Floats
    """[n], 1 over the probability of being observed up to a competing event; 0 for all others."""
    observed: Floats
    """[m], probability of being observed up to the time of each event."""

    @classmethod
    def of(cls, outcome: Outcome, x: Floats) -> "FineGray":
        """Order patients by time; censoring weights are those of the whole cohort."""
        order = np.argsort(outcome.time, kind="stable")
        time, event, lost = outcome.time[order], outcome.event[order], censoring_survival(outcome)
        events = np.flatnonzero(event == 1)
        starts = np.searchsorted(time, time[events], side="left")
        competing_weight = np.where(event > 1, 1 / lost.before(time), 0.0)
        return cls(order, x[order], starts, events, competing_weight, lost.before(time[events]))

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic; NaN where all `x` are alike or no patient has the event."""
        if not len(self.events) or np.ptp(self.x) < 1e-9:
            return np.full(len(weights), np.nan)
        drawn = weights[:, self.order]
        beta = np.zeros(len(weights))
        for _ in range(_STEPS):
            gradient, information = self._derivatives(drawn, beta)
            step = np.clip(divide(gradient, information), -_LARGEST_STEP, _LARGEST_STEP)
            beta = beta + step
            if np.nanmax(np.abs(step), initial=0.0) < _CONVERGED:
                break
        return beta

    def _derivatives(self, drawn: Floats, beta: Floats) -> tuple[Floats, Floats]:
        """Of the weighted log partial likelihood, [b] each, the second with its sign turned."""
        eta = beta[:, None] * self.x
        risk = drawn * np.exp(eta - eta.max(axis=1, keepdims=True))
        sums = [self._at_risk(risk * self.x**power) for power in range(3)]
        mean = divide(sums[1], sums[0])
        counted = drawn[:, self.events]
        gradient = np.where(counted > 0, counted * (self.x[self.events] - mean), 0.0).sum(axis=1)
        spread = np.where(counted > 0, counted * (divide(sums[2], sums[0]) - mean**2), 0.0).sum(axis=1)
        return gradient, spread

    def _at_risk(self, values: Floats) -> Floats:
        """Sum [b, m] over patients at risk at each event, and over earlier competing events, weighted."""
        zero = np.zeros((len(values), 1))
        before = np.concatenate([zero, np.cumsum(values, axis=1)], axis=1)
        competing = np.concatenate([zero, np.cumsum(values * self.competing_weight, axis=1)], axis=1)
        still = before[:, -1:] - before[:, self.starts]
        return np.asarray(still + self.observed * competing[:, self.starts], np.float64)
