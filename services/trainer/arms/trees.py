"""LightGBM on the Cox partial likelihood, small trees, rounds chosen by inner cross-validation."""

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from services.trainer.arms.cox import Sample
from services.trainer.cohort.cohort import Outcome
from shared.arrays import Floats, Ints

ROUNDS = (20, 40, 80, 120)
_PARAMETERS = {
    "num_leaves": 4,
    "learning_rate": 0.05,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 63,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}


@dataclass(frozen=True, eq=False)
class Trees:
    """A fitted model, and scores [n] of the training patients by models fitted without them."""

    booster: lgb.Booster
    out_of_fold: Floats

    def score(self, x: Floats) -> Floats:
        """Raw scores [n] of a design [n, p]."""
        return raw(self.booster, x)


def fit_trees(x: Floats, outcome: Outcome, folds: Ints, seed: int) -> Trees:
    """Fit on a design [n, p]; `folds` [n] are left out in turn to choose the rounds and to score out of fold."""
    scores = np.zeros((len(ROUNDS), len(x)))
    gain = np.zeros(len(ROUNDS))
    for fold in np.unique(folds):
        kept, held_out = folds != fold, folds == fold
        booster = _boost(x[kept], outcome[kept], ROUNDS[-1], seed)
        for i, rounds in enumerate(ROUNDS):
            scores[i, held_out] = raw(booster, x[held_out], rounds)
    for i in range(len(ROUNDS)):
        gain[i] = Sample.of(scores[i][:, None], outcome.time, outcome.is_event).log_likelihood(np.ones(1))
    best = int(np.argmax(gain))
    return Trees(_boost(x, outcome, ROUNDS[best], seed), scores[best])


def raw(booster: lgb.Booster, x: Floats, rounds: int | None = None) -> Floats:
    """Raw scores [n], by the first `rounds` trees."""
    return np.asarray(booster.predict(x, raw_score=True, num_iteration=rounds, num_threads=1), np.float64)


def _boost(x: Floats, outcome: Outcome, rounds: int, seed: int) -> lgb.Booster:
    parameters = _PARAMETERS | {
        "objective": _objective(outcome),
        "seed": seed % 2**31,
        "min_data_in_leaf": max(5, len(x) // 20),
    }
    return lgb.train(parameters, lgb.Dataset(x, label=outcome.time, free_raw_data=True), num_boost_round=rounds)


def _objective(outcome: Outcome) -> Callable[[Floats, lgb.Dataset], tuple[Floats, Floats]]:
    """Gradient of the negative log partial likelihood, and a bound of its second derivative."""
    order = np.argsort(-outcome.time, kind="stable")
    sample = Sample.of(np.zeros((len(outcome), 0)), outcome.time, outcome.is_event)

    def of(score: Floats, _: lgb.Dataset) -> tuple[Floats, Floats]:
        risk = np.exp(np.asarray(score, np.float64)[order])
        expected = sample.expected(risk)
        gradient, curvature = np.empty(len(order)), np.empty(len(order))
        gradient[order], curvature[order] = expected - sample.events, np.maximum(expected, 1e-3)
        return gradient, curvature

    return of
