"""What a bundle's arms say of patients whom nothing in them has seen: every step done anew without each fold."""

from collections.abc import Mapping

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.ridge_cox import Pattern, fit_patterns, patterns
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.evaluation.fold import split_fold
from services.trainer.evaluation.run import Advance
from services.trainer.metrics.incidence import cumulative_incidence
from shared.arrays import Ints

Nested = Mapping[Pattern, Prediction]
"""By pattern of known blocks, of all n patients; nothing of who lacks one of them."""


def nested(
    patients: Patients, embeddings: Embeddings | None, blocks: tuple[str, ...], fold_of: Ints, advance: Advance
) -> Nested:
    """Leave out each fold of `fold_of` [n] in turn: networks, columns, ridges and models come from the others alone."""
    found = {pattern: Prediction.nothing(len(patients), len(patients.grid)) for pattern in patterns(blocks)}
    folds = np.unique(fold_of)
    for done, fold in enumerate(folds, 1):
        tested = np.flatnonzero(fold_of == fold)
        training, test = split_fold(patients.cohort, embeddings, tested, patients.seed, gated=False)
        for pattern, said in _without(training, test, blocks).items():
            mine = np.flatnonzero(test.has_blocks(pattern))
            found[pattern].fill(tested[mine], said.take(mine))
        advance(done, len(folds))
    return found


def _without(training: Patients, test: Patients, blocks: tuple[str, ...]) -> Nested:
    """What models of the training patients say; the average where a pattern has too few events among them."""
    average = constant(cumulative_incidence(training.cohort.outcome, training.grid), len(test))
    found = dict.fromkeys(patterns(blocks), average)
    for pattern, model in fit_patterns(training, blocks, training.inner_folds()):
        found[pattern] = model.predict(test.case_values)
    return found
