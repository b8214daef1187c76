"""Discrimination and error on cohorts with competing events, against scikit-survival and scikit-learn."""

import numpy as np
import pytest

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics import accuracy, discrimination
from services.trainer.metrics.statistic import Statistic
from shared.arrays import Flags, Floats
from tests.support.missing import optional_library

judge = optional_library("sksurv.metrics", "judge")
censoring = optional_library("sksurv.nonparametric", "judge")
sklearn = optional_library("sklearn.metrics", "judge")

SEEDS = range(3)
YEARS = 3.0


def cohort(seed: int, patients: int = 200) -> tuple[Outcome, Floats]:
    """Two causes of which only the first rises with the risk, and censoring; some risks are tied."""
    rng = np.random.default_rng([seed, 7])
    risk = np.round(rng.normal(size=patients), 1)
    first, second = rng.exponential(np.exp(1.6 - 0.8 * risk)), rng.exponential(9.0, patients)
    lost = rng.uniform(0.5, 8, patients)
    happened = np.minimum(first, second)
    event = np.where(lost <= happened, 0, np.where(first < second, 1, 2))
    return Outcome(np.minimum(happened, lost), event.astype(np.int64)), risk


def survival(outcome: Outcome, happened: Floats | Flags) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    pairs = list(zip(happened.astype(bool), outcome.time, strict=True))
    return np.array(pairs, dtype=[("event", bool), ("time", float)])


def by_judge(outcome: Outcome) -> Floats:
    """Weights [n] of a yes or no by YEARS from scikit-survival's censoring distribution; 0 where it is unknown."""
    fitted = censoring.CensoringDistributionEstimator().fit(survival(outcome, outcome.event > 0))
    happened = (outcome.time <= YEARS) & (outcome.event > 0)
    observed = fitted.predict_proba(np.where(happened, outcome.time, YEARS))
    return np.asarray(np.where(happened | (outcome.time > YEARS), 1 / observed, 0.0), np.float64)


def value(statistic: Statistic, patients: int) -> float:
    return float(statistic(np.ones((1, patients)))[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_both_cs_end_observation_at_a_competing_event_as_scikit_survival_does_with_a_censoring(seed: int) -> None:
    outcome, risk = cohort(seed)
    cause = survival(outcome, outcome.is_event)
    harrell = judge.concordance_index_censored(outcome.is_event, outcome.time, risk)[0]
    uno = judge.concordance_index_ipcw(cause, cause, risk, tau=5.0)[0]
    assert value(discrimination.harrell_c(outcome, risk), len(risk)) == pytest.approx(harrell, abs=1e-9)
    assert value(discrimination.uno_c(outcome, risk, 5.0), len(risk)) == pytest.approx(uno, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_auc_and_brier_score_count_a_competing_event_as_none_with_weights_of_scikit_survival(seed: int) -> None:
    outcome, risk = cohort(seed)
    weight = by_judge(outcome)
    is_event = outcome.is_event & (outcome.time <= YEARS)
    area = sklearn.roc_auc_score(is_event[weight > 0], risk[weight > 0], sample_weight=weight[weight > 0])
    predicted = 1 / (1 + np.exp(-risk))
    error = float((weight * (is_event - predicted) ** 2).sum() / len(risk))
    assert value(discrimination.auc(outcome, risk, YEARS), len(risk)) == pytest.approx(area, abs=1e-9)
    assert value(accuracy.brier(outcome, predicted, YEARS), len(risk)) == pytest.approx(error, abs=1e-9)


def test_another_reading_of_competing_events_would_differ_by_more_than_the_agreement() -> None:
    outcome, risk = cohort(0)
    free = np.where(outcome.event == 2, 0, outcome.event)
    as_censored = discrimination.auc(Outcome(outcome.time, free), risk, YEARS)
    ours = value(discrimination.auc(outcome, risk, YEARS), len(risk))
    assert abs(value(as_censored, len(risk)) - ours) > 0.002
