"""Negative controls: results of the whole procedure on data without a signal."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.arms.null import constant
from services.trainer.arms.ridge_cox import ByPattern, fit_patterns, patterns_of
from services.trainer.cohort.cohort import Cohort
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.metrics.incidence import cumulative_incidence
from shared.arrays import Floats, Ints
from shared.model.block import Block

NOISE = Block.model_construct(name="random number", source="vectors", log_risk="_random_number_of_the_control")
"""A block that no profile can name."""
DRAWS = 10


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One draw of both controls."""

    permuted_c: float
    """C of the variables of the record after the outcome was permuted."""
    random_gain: float
    """Gain in C by a random number in the place of a block's log-risk."""


def run_controls(cohort: Cohort, fold_of: Ints, seed: int) -> ControlResult:
    """Cross-validate both controls on one repeat's folds [n]."""
    rng = np.random.default_rng([seed, 41])
    permuted = Patients(_permuted(cohort, rng), seed)
    gain = gain_in_c(cohort, rng.normal(size=len(cohort)), fold_of, seed)
    return ControlResult(_concordance(permuted, cohort.profile.record_blocks, fold_of), gain)


def gain_in_c(cohort: Cohort, number: Floats, fold_of: Ints, seed: int) -> float:
    """C of the record and a number [n] in the place of a block's log-risk, less C of the record; 0 of a constant."""
    blocks = cohort.profile.record_blocks
    without = _concordance(Patients(cohort, seed), blocks, fold_of)
    return _concordance(_with_number(cohort, number, seed), (*blocks, NOISE.name), fold_of) - without


def permute_outcome(cohort: Cohort, seed: int) -> Cohort:
    """The same patients with the outcomes of others: no arm can foretell them, those of slides included."""
    return _permuted(cohort, np.random.default_rng([seed, 43]))


def _permuted(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    return cohort.with_outcome(cohort.outcome[rng.permutation(len(cohort))])


def _with_number(cohort: Cohort, number: Floats, seed: int) -> Patients:
    """The patients with a number [n] each as the log-risk of a block of its own."""
    profile = cohort.profile.model_copy(update={"blocks": (*cohort.profile.blocks, NOISE)})
    return Patients(replace(cohort, profile=profile), seed, {NOISE.name: BlockView(number, number[:, None])})


def _concordance(everyone: Patients, blocks: Iterable[str], fold_of: Ints) -> float:
    """Harrell's C of late fusion over `blocks`, cross-validated by the folds [n]."""
    log_risk = np.zeros(len(everyone))
    for fold in np.unique(fold_of):
        kept, held_out = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        training = everyone.take(kept)
        models = dict(fit_patterns(training, patterns_of(training, blocks), training.inner_folds()))
        average = cumulative_incidence(training.cohort.outcome, training.grid)
        fitted = ByPattern(models, average, constant(average, 0))
        log_risk[held_out] = fitted.predict(everyone.take(held_out)).log_risk
    return float(harrell_c(everyone.cohort.outcome, log_risk)(np.ones((1, len(everyone))))[0])
