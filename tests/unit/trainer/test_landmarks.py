"""Risks given no event until a landmark, against what happened, on cohorts small enough to count."""

import numpy as np
import pytest

from services.trainer.arms.hazards import Prediction, time_grid
from services.trainer.arms.registry import PRIMARY
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.landmarks import landmarks
from services.trainer.evaluation.pooled import ArmResult, Pooled
from services.trainer.metrics.bootstrap import NO_FIGURE, Bootstrap
from services.trainer.metrics.landmark import conditional_risk, from_landmark, reached
from services.trainer.profile import load_profile
from shared.model.incidence import cumulative_incidence, event_free_survival

HAZARD, COMPETING = 0.2, 0.1
"""Events a year, of constant hazards."""


def test_who_reached_a_landmark_was_observed_past_it_and_counts_from_there() -> None:
    outcome = Outcome(np.array([0.5, 1.0, 1.5, 4.0]), np.array([1, 0, 2, 1]))
    assert reached(outcome, 1.0).tolist() == [2, 3]
    assert from_landmark(outcome[reached(outcome, 1.0)], 1.0).time.tolist() == [0.5, 3.0]


def test_a_conditional_risk_of_constant_hazards_is_the_risk_of_a_time_as_long() -> None:
    hazards, log_hazards = [np.array([5 * HAZARD]), np.array([5 * COMPETING])], [np.zeros(1), np.zeros(1)]
    risk = cumulative_incidence(np.array([5.0]), hazards, log_hazards, np.array([1.0, 2.0, 3.0]))[0]
    free = event_free_survival(np.array([5.0]), hazards, log_hazards, np.array([1.0]))[0]
    assert conditional_risk(risk[:1], risk[2:], free) == pytest.approx(risk[1:2])


def cohort(patients: int, seed: int = 5) -> Cohort:
    """Patients of constant hazards, followed up for 8 years, of whom nothing else is known."""
    rng, profile = np.random.default_rng(seed), load_profile()
    first, other = rng.exponential(1 / HAZARD, patients), rng.exponential(1 / COMPETING, patients)
    time = np.minimum(np.minimum(first, other), 8.0)
    event = np.where(time == 8.0, 0, np.where(first < other, 1, 2))
    ids = tuple(f"MB-{i}" for i in range(patients))
    values = np.full((patients, len(profile.variables)), np.nan)
    return Cohort(profile, "c", ids, ("",) * patients, values, Outcome(time, event), "0" * 64, simulated=True)


def pooled(patients: int, ratio: float) -> Pooled:
    """An arm that takes both hazards as `ratio` times what they are."""
    table = cohort(patients)
    grid = time_grid(table.profile.horizons_years)
    total = ratio * (HAZARD + COMPETING)
    free = np.tile(np.exp(-total * grid), (patients, 1))
    prediction = Prediction(np.arange(patients, dtype=float), (1 - free) * HAZARD / (HAZARD + COMPETING), free)
    flagged = np.zeros((1, patients), bool)
    arm = ArmResult(PRIMARY, "fused", (prediction,), flagged, np.array([np.nan]))
    return Pooled(table, grid, {PRIMARY: arm}, {}, np.full((1, patients), -1), ())


def test_right_hazards_are_calibrated_at_every_landmark_and_doubled_ones_are_not() -> None:
    draws = Bootstrap.of(600, 1, 100)
    right, doubled = landmarks(pooled(600, 1), draws), landmarks(pooled(600, 2), draws)
    assert all((row.o_e.lo or 9) < 1 < (row.o_e.hi or 0) for row in right)
    assert all((row.o_e.hi or 9) < 1 and (row.intercept.hi or 0) < 0 for row in doubled)
    assert [row.predicted for row in right] == pytest.approx([row.observed.est for row in right], abs=0.06)


def test_landmarks_lie_before_each_horizon_and_few_events_give_no_figure() -> None:
    rows = landmarks(pooled(600, 1), Bootstrap.of(600, 1, 20))
    assert [(row.event_free_years, row.horizon_years) for row in rows] == [(1, 3), (1, 5), (2, 3), (2, 5), (3, 5)]
    few = landmarks(pooled(8, 1), Bootstrap.of(8, 1, 20))
    assert all(row.events < 5 and row.o_e == NO_FIGURE for row in few)
