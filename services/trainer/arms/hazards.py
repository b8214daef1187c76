"""Predictions of an arm for patients, on a grid of times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.arrays import Flags, Floats, Ints

QUARTER = 0.25


def time_grid(horizons: Sequence[float]) -> Floats:
    """Quarters of a year up to the last horizon, and the horizons themselves."""
    quarters = np.arange(1, int(np.ceil(horizons[-1] / QUARTER - 1e-9)) + 1) * QUARTER
    return np.unique(np.round(np.concatenate([quarters[quarters < horizons[-1]], horizons]), 10))


@dataclass(frozen=True, eq=False)
class Prediction:
    """An arm's predictions for n patients; NaN where it has none."""

    log_risk: Floats
    """[n], log hazard of the event of interest against the training cohort's average."""
    risk: Floats
    """[n, m], probability of the event of interest by each time of the grid."""
    event_free: Floats
    """[n, m], probability of no event of any kind by each time of the grid."""

    def take(self, index: Ints | Floats) -> "Prediction":
        """Some of the patients."""
        return Prediction(self.log_risk[index], self.risk[index], self.event_free[index])

    def only(self, known: Flags) -> "Prediction":
        """Predictions of the patients `known` [n] only; NaN for the others."""
        risk, free = (np.where(known[:, None], values, np.nan) for values in (self.risk, self.event_free))
        return Prediction(np.where(known, self.log_risk, np.nan), risk, free)

    @classmethod
    def nothing(cls, patients: int, times: int) -> "Prediction":
        """No answer yet."""
        return cls(np.full(patients, np.nan), *(np.full((patients, times), np.nan) for _ in range(2)))

    def fill(self, index: Ints, other: "Prediction") -> None:
        """Put the answers for some patients in their places."""
        self.log_risk[index] = other.log_risk
        self.risk[index] = other.risk
        self.event_free[index] = other.event_free
