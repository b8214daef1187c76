"""Cumulative incidence, intervals and percentiles on scenarios small enough to count by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fusion_scorer.risk import cumulative_incidence, interval, percentile, recalibrated

steps = st.lists(st.floats(0, 2), min_size=1, max_size=8)


def test_without_competing_events_the_risk_is_one_minus_survival() -> None:
    risk = cumulative_incidence(np.array([1.0, 2.0]), np.array([0.1, 0.3]), [], 2.0)
    assert risk == pytest.approx(1 - np.exp(-0.3))


def test_constant_hazards_share_the_events_by_their_ratio() -> None:
    times = np.array([1.0, 5.0])
    risk = cumulative_incidence(times, 0.1 * times, [0.05 * times], 3.0)
    assert risk == pytest.approx((0.1 / 0.15) * (1 - np.exp(-0.15 * 3)))


def test_two_intervals_add_up_with_survival_between_them() -> None:
    risk = cumulative_incidence(np.array([1.0, 2.0]), np.array([0.2, 0.2 + 0.1]), [np.array([0.1, 0.4])], 2.0)
    first = (0.2 / 0.3) * (1 - np.exp(-0.3))
    second = np.exp(-0.3) * (0.1 / 0.4) * (1 - np.exp(-0.4))
    assert risk == pytest.approx(first + second)


def test_a_horizon_between_grid_times_takes_its_part_of_the_hazard() -> None:
    assert cumulative_incidence(np.array([2.0]), np.array([0.4]), [], 1.0) == pytest.approx(1 - np.exp(-0.2))


def test_a_horizon_past_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="past the baseline hazards"):
        cumulative_incidence(np.array([2.0]), np.array([0.4]), [], 3.0)


@given(steps, steps)
def test_relapse_and_competing_events_never_exceed_certainty(event: list[float], other: list[float]) -> None:
    n = min(len(event), len(other))
    times = np.arange(1.0, n + 1)
    a, b = np.cumsum(event[:n]), np.cumsum(other[:n])
    one, two = cumulative_incidence(times, a, [b], float(n)), cumulative_incidence(times, b, [a], float(n))
    assert one + two == pytest.approx(1 - np.exp(-(a[-1] + b[-1])))


@given(steps, st.floats(0.1, 1.0))
def test_competing_events_only_lower_the_risk(event: list[float], other: float) -> None:
    times = np.arange(1.0, len(event) + 1)
    hazard = np.cumsum(event)
    alone = cumulative_incidence(times, hazard, [], times[-1])
    assert cumulative_incidence(times, hazard, [other * times], times[-1]) <= alone + 1e-12


def test_the_interval_of_nineteen_refits_ends_at_the_first_and_the_last_since_one_more_falls_outside_in_a_tenth() -> (
    None
):
    lo, hi = interval(0.5, [i / 20 for i in range(1, 20)], 0.9)
    assert [lo, hi] == pytest.approx([0.05, 0.95])


def test_the_interval_always_holds_the_estimate() -> None:
    assert list(interval(0.9, [0.1, 0.2], 0.9)) == pytest.approx([0.1, 0.9])


def test_without_refits_the_interval_says_that_nothing_is_known() -> None:
    assert interval(0.4, [], 0.9) == (0.0, 1.0)


def test_percentile_counts_along_the_training_quantiles() -> None:
    assert percentile(0.5, [-2, -1, 0, 1, 2]) == pytest.approx(62.5)
    assert percentile(9, [-2, 2]) == 100
    assert percentile(-9, [-2, 2]) == 0


@given(st.floats(0, 1))
def test_identity_recalibration_changes_nothing(risk: float) -> None:
    assert recalibrated(risk, 0.0, 1.0) == pytest.approx(risk)


def test_recalibration_by_log_two_doubles_the_cumulative_hazard() -> None:
    assert recalibrated(0.2, float(np.log(2)), 1.0) == pytest.approx(1 - 0.8**2)
