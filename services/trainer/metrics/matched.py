"""Sensitivity where the specificity is held, and the reverse: points on the ROC curve of a horizon, by IPCW."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import ByHorizon, by_horizon
from services.trainer.metrics.statistic import Statistic, divide
from shared.arrays import Floats, Ints

LEVEL = 0.8
"""The specificity, and the sensitivity, at which models are compared."""
TIED = 1e-10
"""Risks, and rates, that differ by less are the same."""
ReadOff = Callable[[float, Floats, Floats], float]


@dataclass(frozen=True, eq=False)
class Constant:
    """A level that is the same in every sample."""

    level: float

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        return np.full(len(weights), self.level)


@dataclass(frozen=True, eq=False)
class Matched:
    """One rate of an arm's risks where the other one is held; between points of the curve a straight line is read.

    `held` gives the level in each sample, so that it may be another arm's rate there.
    """

    known: ByHorizon
    order: Ints
    """Patients by risk, highest first."""
    ends: Ints
    """Last place of each group of equal risks in that order."""
    held: Statistic
    read_off: ReadOff

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic; NaN without a patient with, or without, the event."""
        counts = weights * self.known.weight
        true_positive = self._cumulated(counts * self.known.is_event)
        false_positive = self._cumulated(counts * (1 - self.known.is_event))
        rows = zip(self.held(weights), true_positive, false_positive, strict=True)
        return np.array([self.read_off(*row) if np.isfinite(row[1] + row[2]).all() else np.nan for row in rows])

    def _cumulated(self, counts: Floats) -> Floats:
        """Share [b, groups + 1] at or above each risk, from none to all."""
        sums = np.cumsum(counts[:, self.order], axis=1)[:, self.ends]
        shares = divide(sums, np.broadcast_to(sums[:, -1:], sums.shape))
        return np.concatenate([np.zeros((len(shares), 1)), shares], axis=1)


def sensitivity_at(outcome: Outcome, risk: Floats, years: float, specificity: Statistic) -> Matched:
    """Share of events by `years` that are found where this share of the others is left alone."""
    return _matched(outcome, risk, years, specificity, _sensitivity)


def specificity_at(outcome: Outcome, risk: Floats, years: float, sensitivity: Statistic) -> Matched:
    """Share of the others that are left alone where this share of events by `years` is found."""
    return _matched(outcome, risk, years, sensitivity, _specificity)


def _matched(outcome: Outcome, risk: Floats, years: float, held: Statistic, read_off: ReadOff) -> Matched:
    order = np.argsort(-risk, kind="stable")
    falls = np.flatnonzero(-np.diff(risk[order]) > TIED)
    ends = np.append(falls, len(risk) - 1)
    return Matched(by_horizon(outcome, years), order, ends, held, read_off)


def _sensitivity(specificity: float, true_positive: Floats, false_positive: Floats) -> float:
    """At a step the upper end: the highest sensitivity that keeps the specificity."""
    return float(np.interp(1 - specificity + TIED, false_positive, true_positive))


def _specificity(sensitivity: float, true_positive: Floats, false_positive: Floats) -> float:
    """At a step the left end: the highest specificity that keeps the sensitivity."""
    return 1 - float(np.interp(TIED - sensitivity, -true_positive[::-1], false_positive[::-1]))
