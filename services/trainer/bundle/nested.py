"""Predictions of a bundle's arms for patients who are left out of every step: all is fitted again without each fold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.ridge_cox import blocks_without_weight, fit_patterns
from services.trainer.metrics.incidence import cumulative_incidence
from shared.arrays import Ints
from shared.model.pattern import Pattern

Nested = Mapping[Pattern, Prediction]
"""By pattern of known blocks, of all n patients; NaN for patients without one of them."""


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A fold that is left out: places of its patients, the others, and those of it as models of the others see them."""

    tested: Ints
    training: Patients
    test: Patients


def nested(patients: Patients, folds: Iterable[LeftOut], patterns: Sequence[Pattern]) -> Nested:
    """Predict each fold by models of the others: models of blocks, columns and ridges have seen none of it."""
    predictions = {pattern: Prediction.nothing(len(patients), len(patients.grid)) for pattern in patterns}
    for fold in folds:
        tested, test = fold.tested, fold.test
        for pattern, prediction in _without(fold.training, test, patterns).items():
            known = patients.has_blocks(pattern)[tested]  # also of a block that has no model without this fold
            mine = np.flatnonzero(known | test.has_blocks(pattern))
            predictions[pattern].fill(tested[mine], prediction.take(mine))
    return predictions


def _without(training: Patients, test: Patients, patterns: Sequence[Pattern]) -> Nested:
    """Predictions of models of the training patients; the average where a pattern has too few events.

    Where the training patients give a block no weight, patterns with it are predicted as without it: a bundle of these
    patients would serve them so.
    """
    average = constant(cumulative_incidence(training.cohort.outcome, training.grid), len(test))
    without_weight = blocks_without_weight(training, frozenset[str]().union(*patterns))
    fitted = {pattern: pattern.difference(without_weight) or pattern for pattern in patterns}
    models = fit_patterns(training, dict.fromkeys(fitted.values()), training.inner_folds())
    predictions = {pattern: model.predict(test.case_values) for pattern, model in models}
    return {pattern: predictions.get(fitted[pattern], average) for pattern in patterns}
