"""Figures of merit on cohorts small enough to count."""

import numpy as np
import pytest

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics import accuracy, calibration, decision, discrimination, incidence
from services.trainer.metrics.bootstrap import Bootstrap, holm
from services.trainer.metrics.censoring import by_horizon, censoring_survival
from services.trainer.metrics.statistic import Difference, Statistic


def outcome(*pairs: tuple[float, int]) -> Outcome:
    times, events = zip(*pairs, strict=True)
    return Outcome(np.array(times, np.float64), np.array(events, np.int64))


def value(statistic: Statistic, patients: int) -> float:
    return float(statistic(np.ones((1, patients)))[0])


def numbers(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(values, np.float64)


FOUR = outcome((1, 1), (2, 0), (3, 1), (4, 0))
"""Pairs whose order is known: 1-2, 1-3, 1-4, 3-4."""


@pytest.mark.parametrize(
    ("risk", "expected"),
    [((4, 3, 2, 1), 1.0), ((1, 2, 3, 4), 0.0), ((1, 1, 1, 1), 0.5), ((2, 3, 1, 0), 3 / 4), ((2, 2, 1, 0), 3.5 / 4)],
)
def test_harrell_c_counts_pairs_whose_order_is_known(risk: tuple[float, ...], expected: float) -> None:
    assert value(discrimination.harrell_c(FOUR, numbers(*risk)), 4) == expected


def test_a_patient_drawn_twice_counts_twice() -> None:
    concordance = discrimination.harrell_c(FOUR, numbers(2, 3, 1, 0))
    drawn = np.array([[1.0, 2.0, 1.0, 0.0]])  # right: 1-3; wrong: 1-2 twice
    assert concordance(drawn)[0] == pytest.approx(1 / 3)


def test_a_competing_event_ends_observation_for_c() -> None:
    with_death = outcome((1, 1), (2, 2), (3, 1), (4, 0))
    risk = numbers(2, 3, 1, 0)
    assert value(discrimination.harrell_c(with_death, risk), 4) == value(discrimination.harrell_c(FOUR, risk), 4)


def test_uno_c_weighs_events_by_how_many_were_still_observed() -> None:
    # G is 1 up to 2 years, then 2/3: pairs of patient 1 count 1, the pair 3-4 counts (3/2)^2
    concordance = discrimination.uno_c(FOUR, numbers(2, 3, 1, 0), tau=10)
    assert value(concordance, 4) == pytest.approx((2 + 2.25) / (3 + 2.25))


def test_uno_c_leaves_out_events_past_tau() -> None:
    assert value(discrimination.uno_c(FOUR, numbers(2, 3, 1, 0), tau=2), 4) == pytest.approx(2 / 3)


def test_observation_is_lost_only_by_those_still_at_risk() -> None:
    observed = censoring_survival(outcome((1, 1), (1, 0), (2, 0), (3, 1)))
    # an event at the same time comes first: at 1 year three could be lost, one was
    assert observed.after(numbers(1, 2)).tolist() == pytest.approx([2 / 3, 1 / 3])
    assert observed.before(numbers(1, 2)).tolist() == pytest.approx([1, 2 / 3])


def test_who_is_lost_before_the_horizon_hands_weight_to_the_others() -> None:
    known = by_horizon(outcome((1, 1), (2, 0), (3, 2), (5, 0)), 4)
    assert known.is_event.tolist() == [1, 0, 0, 0]
    assert known.weight.tolist() == pytest.approx([1, 0, 1.5, 1.5])
    assert known.weight.sum() == pytest.approx(4)


def test_auc_compares_relapses_with_everyone_who_did_not_relapse_by_then() -> None:
    patients = outcome((1, 1), (1.5, 2), (2, 1), (5, 0), (6, 0))
    # cases 1 and 3 against the death, 4 and 5
    assert value(discrimination.auc(patients, numbers(5, 1, 2, 3, 0), 3), 5) == pytest.approx(5 / 6)


def test_auc_of_a_bare_yes_or_no_is_the_share_of_pairs() -> None:
    patients = outcome((1.5, 1), (1.5, 1), (5, 0), (5, 0))
    assert value(discrimination.auc(patients, numbers(3, 1, 2, 0), 3), 4) == 3 / 4
    assert value(discrimination.harrell_c(patients, numbers(3, 1, 2, 0)), 4) == 3 / 4


def test_brier_is_the_mean_squared_error_without_censoring() -> None:
    patients = outcome((1, 1), (2, 2), (5, 0), (6, 0))
    assert value(accuracy.brier(patients, numbers(0.8, 0.4, 0.2, 0), 3), 4) == pytest.approx((0.04 + 0.16 + 0.04) / 4)


def test_integrated_brier_is_the_mean_height_under_the_trapezoids() -> None:
    patients = outcome((1.5, 1), (5, 0))
    risks = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])  # errors at 1, 2, 3 years: 0, 0, 0.5
    assert value(accuracy.integrated_brier(patients, risks, numbers(1, 2, 3)), 2) == pytest.approx(0.125)


def test_observed_over_expected_counts_relapses_against_risks() -> None:
    patients = outcome((1, 1), (2, 1), (5, 0), (6, 0))
    assert value(calibration.observed_over_expected(patients, numbers(0.4, 0.2, 0.2, 0.2), 3), 4) == pytest.approx(2)


def two_groups(low: int, high: int) -> Outcome:
    """100 patients of whom `low` relapse and 100 of whom `high` do, none censored by 3 years."""
    is_event = [*([1] * low + [0] * (100 - low)), *([1] * high + [0] * (100 - high))]
    return outcome(*((1.0, 1) if yes else (5.0, 0) for yes in is_event))


def test_risks_that_come_true_have_slope_one_and_intercept_none() -> None:
    risk = np.repeat([0.2, 0.6], 100)
    assert value(calibration.slope(two_groups(20, 60), risk, 3), 200) == pytest.approx(1, abs=1e-6)
    assert value(calibration.intercept(two_groups(20, 60), risk, 3), 200) == pytest.approx(0, abs=1e-6)


def test_risks_that_are_too_extreme_have_the_slope_that_undoes_it() -> None:
    scale = calibration.log_hazard_scale(numbers(0.2, 0.6))
    risk = -np.expm1(-np.exp(2 * scale + 0.3))
    assert value(calibration.slope(two_groups(20, 60), np.repeat(risk, 100), 3), 200) == pytest.approx(0.5, abs=1e-6)


def test_a_model_that_says_the_same_of_all_has_no_slope() -> None:
    risk = np.full(200, 0.4)
    figure = Bootstrap.of(200, 1, 50).figure(calibration.slope(two_groups(20, 60), risk, 3))
    assert (figure.est, figure.lo, figure.hi) == (None, None, None)


def test_kaplan_meier_and_aalen_johansen_equal_what_is_computed_by_hand() -> None:
    patients = outcome((1, 1), (2, 0), (3, 2), (4, 1), (5, 0))
    at = numbers(0.5, 1, 3, 4, 9)
    assert incidence.survival(patients, at).tolist() == pytest.approx([1, 4 / 5, 8 / 15, 4 / 15, 4 / 15])
    expected = [0, 1 / 5, 1 / 5, 1 / 5 + 4 / 15, 1 / 5 + 4 / 15]
    assert incidence.cumulative_incidence(patients, at).tolist() == pytest.approx(expected)
    assert incidence.cumulative_hazard(patients, numbers(4))[0] == pytest.approx(1 / 5 + 1 / 2)


def test_incidence_of_patients_drawn_again_is_that_of_the_cohort_written_out() -> None:
    rng = np.random.default_rng(3)
    patients = Outcome(np.round(rng.exponential(3, 60), 1) + 0.1, rng.integers(0, 3, 60))
    weights = rng.multinomial(60, np.full(60, 1 / 60), 3).astype(np.float64)
    at = numbers(0.5, 2, 4, 30)
    for row, draw in zip(weights, incidence.incidence_draws(patients, at, weights), strict=True):
        again = patients[np.repeat(np.arange(60), row.astype(np.int64))]
        assert draw.tolist() == pytest.approx(incidence.cumulative_incidence(again, at).tolist())


def test_weights_by_horizon_agree_with_aalen_johansen() -> None:
    rng = np.random.default_rng(4)
    patients = Outcome(np.round(rng.exponential(3, 200), 1) + 0.1, rng.integers(0, 3, 200))
    known = by_horizon(patients, 2.05)
    by_weights = (known.weight * known.is_event).mean()
    assert by_weights == pytest.approx(incidence.cumulative_incidence(patients, numbers(2.05))[0], abs=1e-9)


def test_net_benefit_charges_false_alarms_at_the_odds_of_the_threshold() -> None:
    patients = outcome((1, 1), (2, 1), (5, 0), (6, 0))
    benefit = decision.net_benefit(patients, numbers(0.9, 0.1, 0.5, 0.1), 3, 0.2)
    assert value(benefit, 4) == pytest.approx(1 / 4 - 1 / 4 * 0.25)


def test_sensitivity_and_its_kin_count_the_flagged() -> None:
    patients = outcome((1, 1), (2, 1), (2, 1), (5, 0), (6, 0))
    figures = decision.operating(patients, np.array([True, True, False, True, False]), 3)
    parts = (figures.sensitivity, figures.specificity, figures.ppv, figures.npv)
    assert [value(part, 5) for part in parts] == pytest.approx([2 / 3, 1 / 2, 2 / 3, 1 / 2])


def test_the_threshold_is_the_highest_that_finds_four_in_five() -> None:
    patients = outcome(*[(1.0, 1)] * 5, *[(5.0, 0)] * 5)
    risk = numbers(0.9, 0.8, 0.7, 0.3, 0.1, 0.6, 0.5, 0.4, 0.2, 0.0)
    assert decision.threshold_for(patients, risk, 3) == 0.3


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    assert holm([0.01, 0.04, None, 0.03]) == [pytest.approx(0.03), pytest.approx(0.06), None, pytest.approx(0.06)]


def test_a_contrast_of_a_model_with_itself_is_nothing() -> None:
    concordance = discrimination.harrell_c(FOUR, numbers(2, 3, 1, 0))
    contrast = Bootstrap.of(4, 1, 200).contrast(Difference(concordance, concordance))
    assert contrast.est == 0
    assert contrast.p == 1


def test_intervals_are_the_same_for_the_same_seed() -> None:
    concordance = discrimination.harrell_c(FOUR, numbers(2, 3, 1, 0))
    assert Bootstrap.of(4, 7, 100).figure(concordance) == Bootstrap.of(4, 7, 100).figure(concordance)
