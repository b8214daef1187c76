"""The shrinkage of each column of an arm, as a draw from its distribution instead of one fixed number.

A ridge is a normal prior of one width for all columns. A few columns matter much and most matter little, so the refits
take a Cauchy prior (Gelman et al., Ann Appl Stat 2008;2:1360), as a normal one whose ridge is drawn anew for each
column, and a common width that is drawn too: Gibbs sampling, with the chosen ridge as the prior mean of the width.
"""

from dataclasses import dataclass

import numpy as np

from shared.arrays import Floats

_FREEDOM = 1.0
"""Degrees of freedom of Student's t; 1 is Cauchy."""


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """One state of the sampler."""

    ridges: Floats
    """[p]"""
    variance: float
    """Square of the common width."""
    chosen: float
    """The ridge of the arm itself."""

    @classmethod
    def start(cls, columns: int, chosen: float) -> "Shrinkage":
        """Every column shrunk by the chosen ridge."""
        return cls(np.full(columns, chosen), 1 / chosen, chosen)

    def towards(self, rng: np.random.Generator) -> Floats:
        """A draw [p] from the prior of the coefficients."""
        return np.asarray(rng.normal(size=len(self.ridges)) / np.sqrt(self.ridges), np.float64)

    def after(self, coefficients: Floats, rng: np.random.Generator) -> "Shrinkage":
        """The next draw, given coefficients [p]: both conditional distributions are gamma."""
        p = len(self.ridges)
        ridges = rng.gamma((_FREEDOM + 1) / 2, 2 / (_FREEDOM * self.variance + coefficients**2), p)
        variance = rng.gamma(1 + p * _FREEDOM / 2, 1 / (self.chosen + _FREEDOM / 2 * ridges.sum()))
        return Shrinkage(np.maximum(ridges, 1e-3), float(variance), self.chosen)
