"""Cumulative incidence on scenarios small enough to count by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arrays import Floats
from shared.model.incidence import cumulative_incidence

steps = st.lists(st.floats(0, 2), min_size=1, max_size=8)


def risk(times: Floats, causes: list[Floats], horizon: float) -> float:
    """The risk of an average patient."""
    average = np.zeros(1)
    return float(cumulative_incidence(times, causes, [average] * len(causes), np.array([horizon]))[0, 0])


def test_without_competing_events_the_risk_is_one_minus_survival() -> None:
    assert risk(np.array([1.0, 2.0]), [np.array([0.1, 0.3])], 2.0) == pytest.approx(1 - np.exp(-0.3))


def test_constant_hazards_share_the_events_by_their_ratio() -> None:
    times = np.array([1.0, 5.0])
    assert risk(times, [0.1 * times, 0.05 * times], 3.0) == pytest.approx((0.1 / 0.15) * (1 - np.exp(-0.15 * 3)))


def test_two_intervals_add_up_with_survival_between_them() -> None:
    first = (0.2 / 0.3) * (1 - np.exp(-0.3))
    second = np.exp(-0.3) * (0.1 / 0.4) * (1 - np.exp(-0.4))
    causes = [np.array([0.2, 0.2 + 0.1]), np.array([0.1, 0.4])]
    assert risk(np.array([1.0, 2.0]), causes, 2.0) == pytest.approx(first + second)


def test_a_horizon_between_grid_times_takes_its_part_of_the_hazard() -> None:
    assert risk(np.array([2.0]), [np.array([0.4])], 1.0) == pytest.approx(1 - np.exp(-0.2))


def test_a_horizon_past_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="past the baseline hazards"):
        risk(np.array([2.0]), [np.array([0.4])], 3.0)


def test_patients_and_horizons_are_predicted_together_as_each_alone() -> None:
    times, horizons = np.array([1.0, 2.0, 4.0]), np.array([0.5, 2.0, 3.0])
    causes = [np.array([0.1, 0.3, 0.4]), np.array([0.2, 0.2, 0.5])]
    log_hazards = [np.array([0.0, 1.0]), np.array([0.5, -0.5])]
    together = cumulative_incidence(times, causes, log_hazards, horizons)
    for patient, row in enumerate(together):
        hazards = [np.exp(log[patient]) * cause for log, cause in zip(log_hazards, causes, strict=True)]
        assert [risk(times, hazards, horizon) for horizon in horizons] == pytest.approx(row)


@given(steps, steps)
def test_the_event_and_competing_events_never_exceed_certainty(event: list[float], other: list[float]) -> None:
    n = min(len(event), len(other))
    times = np.arange(1.0, n + 1)
    a, b = np.cumsum(event[:n]), np.cumsum(other[:n])
    assert risk(times, [a, b], float(n)) + risk(times, [b, a], float(n)) == pytest.approx(1 - np.exp(-(a[-1] + b[-1])))


@given(steps, st.floats(0.1, 1.0))
def test_competing_events_only_lower_the_risk(event: list[float], other: float) -> None:
    times = np.arange(1.0, len(event) + 1)
    hazard = np.cumsum(event)
    assert risk(times, [hazard, other * times], times[-1]) <= risk(times, [hazard], times[-1]) + 1e-12
