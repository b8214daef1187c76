"""Negative controls: results of the whole procedure on data without a signal."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Patients, SlideView
from services.trainer.arms.null import constant
from services.trainer.arms.ridge_cox import ByPattern, fit_patterns
from services.trainer.cohort.cohort import Cohort
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.metrics.incidence import cumulative_incidence
from shared.arrays import Floats, Ints
from shared.model.block import PATHOMIC

TABLE = ("clinical", "molecular")
DRAWS = 10


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One draw of both controls."""

    permuted_c: float
    """C of clinical and molecular variables after the outcome was dealt out anew."""
    random_gain: float
    """Gain in C by a random number in the place of the pathomic log-risk."""


def run_controls(cohort: Cohort, fold_of: Ints, seed: int) -> ControlResult:
    """Cross-validate both controls on one repeat's folds [n]."""
    rng = np.random.default_rng([seed, 41])
    permuted = _permuted(cohort, rng)
    noise = rng.normal(size=len(cohort))
    honest = _concordance(cohort, None, TABLE, fold_of, seed)
    with_noise = _concordance(cohort, noise, (*TABLE, PATHOMIC), fold_of, seed)
    return ControlResult(_concordance(permuted, None, TABLE, fold_of, seed), with_noise - honest)


def permute_outcome(cohort: Cohort, seed: int) -> Cohort:
    """The same patients with the outcomes of others: no arm, slides and networks included, can foretell them."""
    return _permuted(cohort, np.random.default_rng([seed, 43]))


def _permuted(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    return cohort.with_outcome(cohort.outcome[rng.permutation(len(cohort))])


def _concordance(cohort: Cohort, feature: Floats | None, blocks: tuple[str, ...], fold_of: Ints, seed: int) -> float:
    view = None if feature is None else SlideView(feature, feature[:, None], feature)
    everyone = Patients(cohort, view, seed)
    log_risk = np.zeros(len(cohort))
    for fold in np.unique(fold_of):
        kept, held_out = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        training = everyone.take(kept)
        models = dict(fit_patterns(training, blocks, training.inner_folds()))
        average = cumulative_incidence(training.cohort.outcome, training.grid)
        fitted = ByPattern(models, average, blocks, constant(average, 0))
        log_risk[held_out] = fitted.predict(everyone.take(held_out)).log_risk
    return float(harrell_c(cohort.outcome, log_risk)(np.ones((1, len(cohort))))[0])
