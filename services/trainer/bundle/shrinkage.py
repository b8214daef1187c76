"""The shrinkage of each column of an arm, as a draw from its distribution instead of one fixed number.

A ridge is a normal prior of one width for all columns. A few columns matter much and most matter little, so the refits
take a Cauchy prior (Gelman et al., Ann Appl Stat 2008;2:1360), as a normal one whose ridge is drawn anew for each
column, and a common width that is drawn too: Gibbs sampling, with the chosen ridge as the prior mean of the width.
A column that bears a share of the ridge has a prior whose squared width is the common one divided by that share.
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
    shares: Floats
    """[p], share of the ridge that each column bears."""

    @classmethod
    def start(cls, shares: Floats, chosen: float) -> "Shrinkage":
        """Every column shrunk by its share [p] of the chosen ridge."""
        return cls(chosen * shares, 1 / chosen, chosen, shares)

    def towards(self, rng: np.random.Generator) -> Floats:
        """A draw [p] from the prior of the coefficients."""
        return np.asarray(rng.normal(size=len(self.ridges)) / np.sqrt(self.ridges), np.float64)

    def after(self, coefficients: Floats, rng: np.random.Generator) -> "Shrinkage":
        """The next draw, given coefficients [p]: both conditional distributions are gamma."""
        p = len(self.ridges)
        ridges = rng.gamma((_FREEDOM + 1) / 2, 2 / (_FREEDOM * self.variance / self.shares + coefficients**2), p)
        variance = rng.gamma(1 + p * _FREEDOM / 2, 1 / (self.chosen + _FREEDOM / 2 * (ridges / self.shares).sum()))
        return Shrinkage(np.maximum(ridges, 1e-3), float(variance), self.chosen, self.shares)
