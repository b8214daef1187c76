"""Patients who had no event until a landmark: their outcome from then on, and their risk given that."""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.statistic import divide
from shared.arrays import Floats, Ints


def reached(outcome: Outcome, years: float) -> Ints:
    """Patients who are observed past `years` without an event of any kind."""
    return np.flatnonzero(outcome.time > years)


def from_landmark(outcome: Outcome, years: float) -> Outcome:
    """Outcomes of patients who reached a landmark, their time counted from it."""
    return Outcome(outcome.time - years, outcome.event)


def conditional_risk(by_landmark: Floats, by_horizon: Floats, event_free: Floats) -> Floats:
    """(F(horizon) - F(landmark)) / S(landmark) [n], S the probability of no event of any kind, as scores have it."""
    return np.minimum(np.nan_to_num(divide(by_horizon - by_landmark, event_free), nan=1.0), 1.0)
