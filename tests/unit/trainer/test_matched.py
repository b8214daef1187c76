"""Sensitivity where specificity is held and the reverse, by hand and against scikit-learn's ROC curve."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.matched import Constant, sensitivity_at, specificity_at
from services.trainer.metrics.statistic import Statistic
from shared.arrays import Floats

YEARS = 3.0


def outcome(is_event: list[int]) -> Outcome:
    """Events after a year, and others who are followed for five."""
    flags = np.array(is_event)
    return Outcome(np.where(flags == 1, 1.0, 5.0), flags)


def value(statistic: Statistic, patients: int) -> float:
    """The figure with each patient once."""
    return float(statistic(np.ones((1, patients)))[0])


EVENTS = outcome([1, 1, 1, 1, 0, 0, 0, 0, 0])
RISKS = np.array([0.9, 0.8, 0.5, 0.2, 0.85, 0.6, 0.4, 0.3, 0.1])


@pytest.mark.parametrize(("held", "expected"), [(1.0, 0.25), (0.8, 0.5), (0.6, 0.75), (0.2, 1.0), (0.0, 1.0)])
def test_sensitivity_is_the_highest_that_keeps_the_specificity(held: float, expected: float) -> None:
    assert value(sensitivity_at(EVENTS, RISKS, YEARS, Constant(held)), 9) == pytest.approx(expected)


@pytest.mark.parametrize(("held", "expected"), [(0.25, 1.0), (0.5, 0.8), (0.75, 0.6), (1.0, 0.2)])
def test_specificity_is_the_highest_that_keeps_the_sensitivity(held: float, expected: float) -> None:
    assert value(specificity_at(EVENTS, RISKS, YEARS, Constant(held)), 9) == pytest.approx(expected)


def test_between_the_points_of_a_rule_a_straight_line_is_read() -> None:
    rule = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0.0])
    assert value(sensitivity_at(EVENTS, rule, YEARS, Constant(0.8)), 9) == pytest.approx(0.75)
    assert value(sensitivity_at(EVENTS, rule, YEARS, Constant(0.4)), 9) == pytest.approx(0.875)


def test_without_censoring_the_rates_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(8)
    truth = (rng.random(200) < 0.4).astype(np.int64)
    risk = np.round(rng.random(200) + 0.4 * truth, 2).astype(np.float64)
    false_positive, true_positive, _ = roc_curve(truth, risk, drop_intermediate=False)
    patients = outcome(truth.tolist())
    for held in (0.15, 0.5, 0.83):
        expected = float(np.interp(1 - held, false_positive, true_positive))
        assert value(sensitivity_at(patients, risk, YEARS, Constant(held)), 200) == pytest.approx(expected)


def test_the_level_may_be_another_in_each_sample() -> None:
    class Levels:
        def __call__(self, weights: Floats) -> Floats:
            return np.linspace(0, 1, len(weights))

    rates = sensitivity_at(EVENTS, RISKS, YEARS, Levels())(np.ones((3, 9)))
    assert rates.tolist() == pytest.approx([1, value(sensitivity_at(EVENTS, RISKS, YEARS, Constant(0.5)), 9), 0.25])


@pytest.mark.parametrize("is_event", [[1, 1, 1], [0, 0, 0]])
def test_of_patients_with_one_outcome_there_is_no_rate(is_event: list[int]) -> None:
    risk = np.array([0.1, 0.2, 0.3])
    assert np.isnan(value(sensitivity_at(outcome(is_event), risk, YEARS, Constant(0.8)), 3))


def test_patients_who_left_before_the_horizon_count_through_the_others() -> None:
    patients = Outcome(np.array([1.0, 1, 2, 5, 5, 5]), np.array([1, 1, 0, 0, 0, 0]))
    lost = value(specificity_at(patients, np.array([0.9, 0.3, 0.8, 0.5, 0.2, 0.1]), YEARS, Constant(1.0)), 6)
    assert lost == pytest.approx(2 / 3)
