"""Figures on scenarios small enough to count by hand, and against lifelines."""

import numpy as np
import pytest
from lifelines.utils import concordance_index

from services.trainer.demo.figures import (
    OperatingPoint,
    concordance,
    concordances,
    limit_for_sensitivity,
    observed_to_expected,
    operating_point,
)


def test_concordance_of_three_patients_is_counted_by_hand() -> None:
    years, events = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    assert concordance(np.array([2.0, 1.0, 3.0]), years, events) == pytest.approx(1 / 2)
    assert concordance(np.array([3.0, 1.0, 3.0]), years, events) == pytest.approx(3 / 4)


@pytest.mark.parametrize("seed", range(3))
def test_concordance_agrees_with_lifelines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    risk, years = rng.integers(0, 9, 80).astype(float), rng.exponential(size=80)
    events = rng.random(80) < 0.6
    assert concordance(risk, years, events) == pytest.approx(concordance_index(years, -risk, events))


def test_the_contrast_of_two_equal_arms_is_nothing() -> None:
    rng = np.random.default_rng(0)
    risk, years = rng.normal(size=40), rng.exponential(size=40)
    made = concordances({"fused": risk, "clinical_molecular": risk}, years, np.ones(40, np.int64), 10, rng)
    figure = made["fused - clinical_molecular"]
    assert (figure.est, figure.lo, figure.hi) == (0, 0, 0)


def test_observed_over_expected_without_censoring_is_a_share_over_a_mean() -> None:
    years, codes = np.array([1.0, 2.0, 4.0, 5.0]), np.array([1, 2, 1, 0])
    assert observed_to_expected(np.full(4, 0.5), years, codes, 3.0) == pytest.approx((1 / 4) / 0.5)


def test_the_limit_keeps_the_asked_share_of_relapses_above_it() -> None:
    risk = np.arange(10) / 10
    limit = limit_for_sensitivity(risk, np.ones(10), np.ones(10, np.int64), 3.0, 0.8)
    assert np.mean(risk >= limit) == pytest.approx(0.8)


def test_an_operating_point_is_counted_by_hand() -> None:
    years, codes = np.array([1.0, 2.0, 5.0, 4.0, 1.0, 2.0]), np.array([1, 1, 1, 0, 0, 2])
    risk = np.array([0.9, 0.1, 0.5, 0.1, 0.8, 0.2])
    assert operating_point(risk, 0.5, years, codes, 3.0) == OperatingPoint(1 / 2, 1 / 2, 1 / 2)
