"""Figures of merit against scikit-survival and lifelines on random cohorts."""

import numpy as np
import pytest
from lifelines import AalenJohansenFitter
from lifelines.statistics import multivariate_logrank_test

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics import accuracy, discrimination, incidence
from services.trainer.metrics.bootstrap import Bootstrap
from services.trainer.metrics.statistic import Pairs, Statistic
from shared.arrays import Floats
from tests.support.missing import optional_library

judge = optional_library("sksurv.metrics", "judge")

SEEDS = range(4)
AT = np.array([1.0, 2.0, 3.0])


def cohort(seed: int, patients: int = 150, causes: int = 1) -> tuple[Outcome, Floats]:
    rng = np.random.default_rng(seed)
    risk = np.round(rng.normal(size=patients), 1)
    event_time, lost = rng.exponential(np.exp(1.5 - 0.7 * risk)), rng.uniform(0.5, 7, patients)
    event = np.where(event_time <= lost, rng.integers(1, causes + 1, patients), 0)
    return Outcome(np.minimum(event_time, lost), event.astype(np.int64)), risk


def structured(outcome: Outcome) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    pairs = list(zip(outcome.is_event, outcome.time, strict=True))
    return np.array(pairs, dtype=[("event", bool), ("time", float)])


def value(statistic: Statistic, patients: int) -> float:
    return float(statistic(np.ones((1, patients)))[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_harrell_c_equals_that_of_scikit_survival(seed: int) -> None:
    outcome, risk = cohort(seed)
    expected = judge.concordance_index_censored(outcome.is_event, outcome.time, risk)[0]
    assert value(discrimination.harrell_c(outcome, risk), len(risk)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_uno_c_equals_that_of_scikit_survival(seed: int) -> None:
    outcome, risk = cohort(seed)
    truth = structured(outcome)
    expected = judge.concordance_index_ipcw(truth, truth, risk, tau=4.0)[0]
    assert value(discrimination.uno_c(outcome, risk, 4.0), len(risk)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_auc_equals_that_of_scikit_survival(seed: int) -> None:
    outcome, risk = cohort(seed)
    truth = structured(outcome)
    expected, _ = judge.cumulative_dynamic_auc(truth, truth, risk, AT)
    ours = [value(discrimination.auc(outcome, risk, years), len(risk)) for years in AT]
    assert ours == pytest.approx(expected.tolist())


@pytest.mark.parametrize("seed", SEEDS)
def test_brier_scores_equal_those_of_scikit_survival(seed: int) -> None:
    outcome, risk = cohort(seed)
    truth = structured(outcome)
    surviving = np.exp(-np.outer(np.exp(risk) / 6, AT))
    _, expected = judge.brier_score(truth, truth, surviving, AT)
    ours = [value(accuracy.brier(outcome, 1 - s, years), len(risk)) for s, years in zip(surviving.T, AT, strict=True)]
    assert ours == pytest.approx(expected.tolist())
    whole = judge.integrated_brier_score(truth, truth, surviving, AT)
    assert value(accuracy.integrated_brier(outcome, 1 - surviving, AT), len(risk)) == pytest.approx(whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_aalen_johansen_equals_that_of_lifelines(seed: int) -> None:
    outcome, _ = cohort(seed, causes=2)
    fitter = AalenJohansenFitter(calculate_variance=False).fit(outcome.time, outcome.event, event_of_interest=1)
    expected = [float(fitter.cumulative_density_[:years].iloc[-1, 0]) for years in AT]
    assert incidence.cumulative_incidence(outcome, AT).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_log_rank_equals_that_of_lifelines(seed: int) -> None:
    outcome, risk = cohort(seed)
    group = np.digitize(risk, [-0.4, 0.4]).astype(np.int64)
    expected = multivariate_logrank_test(outcome.time, group, outcome.is_event).p_value
    assert incidence.log_rank(outcome, group) == pytest.approx(expected)


def test_large_cohorts_take_the_linear_expansion_and_it_agrees() -> None:
    outcome, risk = cohort(1, patients=600)
    exact = discrimination.harrell_c(outcome, risk)
    assert isinstance(exact, Pairs)
    expanded = exact.expanded()
    draws = Bootstrap.of(600, 3, 400)
    assert draws.draws(expanded).std() == pytest.approx(draws.draws(exact).std(), rel=0.03)
    assert value(expanded, 600) == pytest.approx(value(exact, 600))


def test_three_hundred_patients_are_resampled_as_pairs_and_the_interval_holds_the_estimate() -> None:
    outcome, risk = cohort(2, patients=300)
    concordance = discrimination.uno_c(outcome, risk, 5.0)
    assert isinstance(concordance, Pairs)
    figure = Bootstrap.of(300, 1).figure(concordance)
    assert figure.lo is not None
    assert figure.hi is not None
    assert figure.est is not None
    assert figure.lo < figure.est < figure.hi
