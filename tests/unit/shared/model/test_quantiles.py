"""Percentile intervals and ranks on samples small enough to count by hand."""

import numpy as np
import pytest

from shared.model.quantiles import percentile_interval
from shared.ranks import percentile_rank


def interval(estimate: float, refits: list[float], level: float = 0.9) -> list[float]:
    """The interval of one risk of one patient."""
    lo, hi = percentile_interval(np.array([[estimate]]), np.array(refits).reshape(-1, 1, 1), level)
    return [float(lo[0, 0]), float(hi[0, 0])]


def test_the_interval_of_nineteen_refits_ends_at_the_first_and_the_last_since_one_more_falls_outside_in_a_tenth() -> (
    None
):
    assert interval(0.5, [i / 20 for i in range(1, 20)]) == pytest.approx([0.05, 0.95])


def test_the_interval_always_holds_the_estimate() -> None:
    assert interval(0.9, [0.1, 0.2]) == pytest.approx([0.1, 0.9])


def test_without_refits_the_interval_says_that_nothing_is_known() -> None:
    assert interval(0.4, []) == [0, 1]


def test_patients_and_horizons_have_intervals_of_their_own() -> None:
    estimate = np.array([[0.2, 0.3], [0.5, 0.6], [0.7, 0.9]])
    lo, hi = percentile_interval(estimate, np.stack([estimate - 0.1, estimate + 0.05]), 0.9)
    assert lo == pytest.approx(estimate - 0.1)
    assert hi == pytest.approx(estimate + 0.05)


def test_rank_counts_along_the_training_quantiles() -> None:
    assert percentile_rank(0.5, [-2, -1, 0, 1, 2]) == pytest.approx(62.5)
    assert percentile_rank(9, [-2, 2]) == 100
    assert percentile_rank(-9, [-2, 2]) == 0
    assert percentile_rank(0, [0, 0, 0, 0, 0]) == 50
    assert percentile_rank(0, [0, 0, 0, 1, 2]) == 25
    assert percentile_rank(2, [0, 1, 2]) == 100
