"""Weights of columns of slides by ridge Cox models that are plain or adaptive, a head for each size of clustering.

In the adaptive ridge what tells little is shrunk more in every round, by penalties inverse to squared coefficients
(Frommlet and Nuel, PLoS ONE 2016;11:e0148620): rare patterns need the adaptive ridge, common ones the plain one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.cohort.cohort import Outcome
from services.trainer.out_of_fold import out_of_fold
from shared.arrays import Floats, Ints

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
_ROUNDS, _LEAST = 4, 0.1
"""Rounds of the adaptive ridge, and what its penalties add to a squared coefficient, of their mean."""
_MARGIN = 2.0
"""By how much the out-of-fold log-likelihood must rise for slides to get a weight at all."""


@dataclass(frozen=True, eq=False)
class FoldWeights:
    """Weights that were fitted without each fold."""

    weights: Floats
    """[folds, p]; all 0 where slides tell nothing."""
    log_risk: Floats
    """[n], of each patient by the weights that were fitted without them."""


def fit_weights(x: Floats, heads: Sequence[slice], outcome: Outcome, folds: Ints, count: int) -> FoldWeights:
    """Of columns x [n, p] each head weighs its own; the mean of the heads' log-risks, or nothing if that is likelier.

    `folds` [n] are numbered below `count`. Where all patients are of one fold, nobody is left to fit on, and nothing
    gets a weight.
    """
    nothing = FoldWeights(np.zeros((count, x.shape[1])), np.zeros(len(x)))
    if len(np.unique(folds)) < 2:
        return nothing
    weights = nothing.weights.copy()
    for head in heads:
        weights[:, head] = _head_weights(x[:, head], outcome, folds, count) / len(heads)
    mean = FoldWeights(weights, out_of_fold(weights @ x.T, np.arange(count), folds))
    gain = _likelihood(mean.log_risk, outcome) - _likelihood(nothing.log_risk, outcome)
    return mean if gain > _MARGIN else nothing


def _head_weights(x: Floats, outcome: Outcome, folds: Ints, count: int) -> Floats:
    """Of a plain and an adaptive ridge the one that is likelier out of fold, [folds, p]."""
    ridge = choose_ridge(x, outcome.time, outcome.is_event, folds, PENALTIES)
    kept = [folds != fold for fold in range(count)]
    samples = [Sample.of(x[k], outcome.time[k], outcome.is_event[k]) for k in kept]
    plain = np.stack([fit_cox(sample, ridge) for sample in samples])
    adapted = np.stack([_adapted(sample, ridge, start) for sample, start in zip(samples, plain, strict=True)])
    likelihoods = [_likelihood(out_of_fold(each @ x.T, np.arange(count), folds), outcome) for each in (plain, adapted)]
    return (plain, adapted)[int(np.argmax(likelihoods))]


def _adapted(sample: Sample, ridge: float, weights: Floats) -> Floats:
    for _ in range(_ROUNDS):
        squares = weights**2
        level = max(float(squares.mean()), 1e-12)
        weights = fit_cox(sample, ridge * level / (squares + _LEAST * level))
    return weights


def _likelihood(log_risk: Floats, outcome: Outcome) -> float:
    """Partial log-likelihood of log-risks [n] as they are."""
    return Sample.of(log_risk[:, None], outcome.time, outcome.is_event).log_likelihood(np.ones(1))
