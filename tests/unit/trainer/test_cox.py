"""Ridge Cox against lifelines and scikit-survival."""

import numpy as np
import pandas as pd
import pytest
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
    found = fit_cox(sample, 0.0)
    assert found == pytest.approx(judge.params_.to_numpy(), abs=1e-4)
    errors = np.sqrt(np.diag(np.linalg.inv(derivatives(sample, found, 0.0)[1])))
    assert errors == pytest.approx(judge.standard_errors_.to_numpy(), rel=1e-3)
    at = np.sort(times[events])[[50, 150]]
    average = pd.DataFrame(np.zeros((1, 3)), columns=["a", "b", "c"])
    hazard = judge.predict_cumulative_hazard(average, times=at).to_numpy().ravel()
    assert baseline(sample, found, at) == pytest.approx(hazard, rel=1e-3)


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
        found = fit_cox(sample, 0.0)
        errors = np.sqrt(np.diag(np.linalg.inv(derivatives(sample, found, 0.0)[1])))
        inside.append(np.abs(found - TRUE) < 1.96 * errors)
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


def test_the_grid_holds_every_horizon() -> None:
    assert {2.5, 4.1} <= set(time_grid((2.5, 4.1)).tolist())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_where_all_events_share_one_time_the_mean_risk_is_the_share_of_events(share: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 3))
    logit = x @ TRUE + np.log(share / (1 - share))
    events = rng.random(500) < 1 / (1 + np.exp(-logit))
    sample = Sample.of(x, np.where(events, 1.0, 5.0), events)
    found = fit_cox(sample, 1.0)
    year = np.array([1.0])
    risk = cumulative_incidence(year, [baseline(sample, found, year)], [x @ found], year)
    assert risk.mean() == pytest.approx(events.mean(), abs=0.015)
