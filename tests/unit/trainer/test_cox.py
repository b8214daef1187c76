"""Ridge Cox against lifelines and scikit-survival."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import CoxPHFitter

from services.trainer.arms.cox import Sample, baseline, choose_ridge, derivatives, fit_cox
from services.trainer.arms.hazards import time_grid
from services.trainer.folds import stratified_folds
from shared.arrays import Flags, Floats
from shared.model.incidence import cumulative_incidence
from tests.support.missing import optional_library

TRUE = np.array([0.8, -0.5, 0.0])


def cohort(patients: int = 400, seed: int = 1) -> tuple[Floats, Floats, Flags]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(patients, 3))
    event, lost = rng.exponential(np.exp(1 - x @ TRUE)), rng.uniform(0.5, 8, patients)
    return x, np.minimum(event, lost), event <= lost


def test_without_a_ridge_coefficients_errors_and_baseline_are_lifelines() -> None:
    x, times, events = cohort()
    table = pd.DataFrame(x, columns=["a", "b", "c"]).assign(time=times, event=events)
    judge = CoxPHFitter().fit(table, "time", "event")
    sample = Sample.of(x, times, events)
    weights = fit_cox(sample, 0.0)
    assert weights == pytest.approx(judge.params_.to_numpy(), abs=1e-4)
    errors = np.sqrt(np.diag(np.linalg.inv(derivatives(sample, weights, 0.0)[1])))
    assert errors == pytest.approx(judge.standard_errors_.to_numpy(), rel=1e-3)
    at = np.sort(times[events])[[50, 150]]
    average = pd.DataFrame(np.zeros((1, 3)), columns=["a", "b", "c"])
    hazard = judge.predict_cumulative_hazard(average, times=at).to_numpy().ravel()
    assert baseline(sample, weights, at) == pytest.approx(hazard, rel=1e-3)


def test_with_a_ridge_coefficients_are_scikit_survivals() -> None:
    linear = optional_library("sksurv.linear_model", "judge")
    x, times, events = cohort()
    rounded = np.round(times, 1) + 0.1  # many ties
    truth = np.array(list(zip(events, rounded, strict=True)), dtype=[("event", bool), ("time", float)])
    for ridge in (1.0, 30.0):
        judge = linear.CoxPHSurvivalAnalysis(alpha=ridge, ties="efron").fit(x, truth)
        assert fit_cox(Sample.of(x, rounded, events), ridge) == pytest.approx(judge.coef_, abs=1e-5)


def test_true_hazard_ratios_lie_within_their_intervals() -> None:
    inside = []
    for seed in range(40):
        x, times, events = cohort(seed=seed)
        sample = Sample.of(x, times, events)
        weights = fit_cox(sample, 0.0)
        errors = np.sqrt(np.diag(np.linalg.inv(derivatives(sample, weights, 0.0)[1])))
        inside.append(np.abs(weights - TRUE) < 1.96 * errors)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.05)


def test_without_an_event_nothing_is_said() -> None:
    x, times, events = cohort(20)
    assert fit_cox(Sample.of(x, times, np.zeros_like(events)), 1.0).tolist() == [0, 0, 0]


def test_noise_asks_for_a_stronger_ridge_than_signal() -> None:
    x, times, events = cohort(200)
    folds = stratified_folds(events.astype(np.int64), 5, np.random.default_rng(0))
    noise = np.random.default_rng(5).normal(size=x.shape)
    ladder = (1.0, 10.0, 100.0, 1000.0)
    assert choose_ridge(noise, times, events, folds, ladder) > choose_ridge(x, times, events, folds, ladder)
    assert choose_ridge(x, times, events, folds, (7.0,)) == 7.0


def test_the_grid_holds_every_horizon() -> None:
    assert {2.5, 4.1} <= set(time_grid((2.5, 4.1)).tolist())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_where_all_events_share_one_time_the_mean_risk_is_the_share_of_events(share: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 3))
    logit = x @ TRUE + np.log(share / (1 - share))
    events = rng.random(500) < 1 / (1 + np.exp(-logit))
    sample = Sample.of(x, np.where(events, 1.0, 5.0), events)
    weights = fit_cox(sample, 1.0)
    year = np.array([1.0])
    risk = cumulative_incidence(year, [baseline(sample, weights, year)], [x @ weights], year)
    assert risk.mean() == pytest.approx(events.mean(), abs=0.015)


def two_patients(first: float, second: float) -> Sample:
    """The first of two patients has the event while both are at risk; one column."""
    return Sample.of(np.array([[first], [second]]), np.array([1.0, 2.0]), np.array([True, False]))


BOUND = np.array([True])


def test_a_weight_counted_by_hand_stays_and_its_opposite_becomes_0() -> None:
    # The gradient at b is 1 - e^b / (e^b + 1) - ridge * b; with ridge 0.25 at b = ln 2 it is 1 / 3 - 0.173.
    weight = fit_cox(two_patients(1.0, 0.0), 0.25, non_negative=BOUND)[0]
    assert 1 / (1 + np.exp(weight)) == pytest.approx(0.25 * weight)
    assert weight > np.log(2)
    assert fit_cox(two_patients(0.0, 1.0), 0.25)[0] == pytest.approx(-weight)
    assert fit_cox(two_patients(0.0, 1.0), 0.25, non_negative=BOUND).tolist() == [0.0]


def test_with_a_weight_held_at_0_the_others_are_fitted_as_if_its_column_were_not_there() -> None:
    x, times, events = cohort(200)  # the second true weight is negative
    weights = fit_cox(Sample.of(x, times, events), 5.0, non_negative=np.array([False, True, False]))
    without = fit_cox(Sample.of(x[:, [0, 2]], times, events), 5.0)
    assert weights == pytest.approx([without[0], 0.0, without[1]], abs=1e-7)


def test_a_weight_below_0_may_be_above_it_once_its_opposite_is_held_at_0() -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(size=400)
    x = np.stack([first, 0.5 * rng.normal(size=400) - first], axis=1)
    times = rng.exponential(np.exp(-(x @ [-1.5, -0.3])))
    sample, bound = Sample.of(x, times, np.ones(400, np.bool_)), np.array([True, True])
    assert (fit_cox(sample, 1.0) < 0).all()
    held, risen = fit_cox(sample, 1.0, non_negative=bound)
    assert (held, risen) == pytest.approx((0.0, fit_cox(Sample.of(x[:, [1]], times, sample.events), 1.0)[0]))
    assert risen > 0.5


@given(
    seed=st.integers(0, 10**6),
    bound=st.lists(st.booleans(), min_size=4, max_size=4),
    ridges=st.lists(st.floats(0.5, 50), min_size=4, max_size=4),
)
def test_a_bounded_fit_is_the_maximum_under_its_bounds(seed: int, bound: list[bool], ridges: list[float]) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 4)) + rng.normal(size=(60, 1))
    times = np.round(rng.exponential(size=60), 1) + 0.1
    sample = Sample.of(x, times, rng.random(60) < 0.6)
    free, ridge, towards = ~np.array(bound), np.array(ridges), rng.normal(size=4)
    weights = fit_cox(sample, ridge, towards=towards, non_negative=~free)
    gradient = derivatives(sample, weights, ridge, towards)[0]
    at_bound = ~free & (weights == 0)
    # Karush, Kuhn and Tucker: no gradient where a weight is free, none upwards where it is held at 0
    assert (weights[~free] >= 0).all()
    assert gradient[~at_bound] == pytest.approx(np.zeros((~at_bound).sum()), abs=1e-5)
    assert (gradient[at_bound] <= 1e-5).all()


def test_bounds_that_do_not_bind_leave_every_digit() -> None:
    x, times, events = cohort()
    sample = Sample.of(x, times, events)
    assert fit_cox(sample, 3.0, non_negative=np.array([True, False, False])).tolist() == fit_cox(sample, 3.0).tolist()
