"""Figures as functions of how often each patient was drawn, so that 2,000 bootstrap samples are one matrix product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shared.arrays import Floats, Ints

LARGEST_PAIRS = 1_000_000
"""Above so many pairs a statistic of pairs is bootstrapped by its first-order expansion."""


class Statistic(Protocol):
    """A figure of merit."""

    def __call__(self, weights: Floats) -> Floats:
        """Values [b] for samples that hold each patient `weights` [b, n] times; NaN where undefined."""


@dataclass(frozen=True, eq=False)
class Ratio:
    """(above + weights @ numerator) / (below + weights @ denominator)."""

    numerator: Floats
    denominator: Floats
    above: float = 0.0
    below: float = 0.0

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        return divide(self.above + weights @ self.numerator, self.below + weights @ self.denominator)

    @property
    def patients(self) -> float:
        """Effective number of patients of the denominator: as many of weight one carry as much information."""
        squares = float((self.denominator**2).sum())
        return float(self.denominator.sum()) ** 2 / squares if squares > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Pairs:
    """Share of comparable pairs that are in the right order.

    `right` and `comparable` [m, n] hold weights of the pairs (case, patient), for the `cases` [m] among n patients.
    """

    cases: Ints
    right: Floats
    comparable: Floats

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        of_cases = weights[:, self.cases]
        right = np.einsum("bn,bn->b", of_cases @ self.right, weights)
        return divide(right, np.einsum("bn,bn->b", of_cases @ self.comparable, weights))

    def expanded(self) -> Ratio:
        """Linear in the weights around one draw each, and exact there (infinitesimal jackknife); for large cohorts."""
        right, comparable = self._slope(self.right), self._slope(self.comparable)
        return Ratio(right, comparable, -right.sum() / 2, -comparable.sum() / 2)

    def _slope(self, pairs: Floats) -> Floats:
        slope = pairs.sum(axis=0)
        np.add.at(slope, self.cases, pairs.sum(axis=1))
        return np.asarray(slope, np.float64)


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of several figures, such as those of the repeats of a cross-validation."""

    parts: Sequence[Statistic]

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        return np.asarray(np.mean([statistic(weights) for statistic in self.parts], axis=0), np.float64)


@dataclass(frozen=True, eq=False)
class Difference:
    """One figure less another, on the same samples."""

    first: Statistic
    second: Statistic

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        return self.first(weights) - self.second(weights)


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)
