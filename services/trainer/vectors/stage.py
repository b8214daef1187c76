"""The stage of vectors in a fold: a model a block, and log-risks of training patients by models fitted without them."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import BlockView
from services.trainer.arms.ridge_cox import LEAST_EVENTS
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.vectors import Vectors
from services.trainer.out_of_fold import agreement, out_of_fold
from services.trainer.vectors.fit import INNER_FOLDS, FittedVectors, VectorTraining, fit_vector_model
from services.trainer.vectors.reduction import Reduction, components
from services.trainer.vectors.scaling import fit_scaling
from services.trainer.vectors.unlearned import events_known
from shared.arrays import Floats
from shared.model.block import Block

COMPONENTS = 10
"""Principal components of a block that early fusion and the gated network read."""


@dataclass(frozen=True, eq=False)
class BlockModel:
    """What was fitted on the training patients' vectors of one block."""

    fitted: FittedVectors
    summary: Reduction
    """Principal components of the standardised columns; no outcome enters."""
    agreement: float
    """How much models of different patients say the same, 0 to 1; see `out_of_fold.agreement`."""

    def view(self, vectors: Vectors) -> BlockView:
        """Log-risk and components of new patients."""
        return BlockView(self.fitted.log_risk(vectors.values), self.components(vectors))

    def components(self, vectors: Vectors) -> Floats:
        """Components [n, k] of patients; NaN rows for those without the block."""
        reduced = self.summary(self.fitted.model.standardised(vectors.values))
        return np.where(vectors.known[:, None], reduced, np.nan)


def fit_vectors(block: Block, cohort: Cohort, seed: int) -> tuple[BlockModel, BlockView] | None:
    """Fit on a training cohort; the view of its own patients is out of fold. None where too few events are known."""
    if events_known(cohort, block.name) < LEAST_EVENTS:
        return None
    vectors = cohort.vectors[block.name]
    members = np.flatnonzero(vectors.known)
    values, names = vectors.values[members], tuple(cohort.case_ids[i] for i in members)
    training = VectorTraining(block, vectors.columns, values, cohort.outcome[members], seed, names)
    fitted = fit_vector_model(training)
    log_risks = by_fold(training, (fitted.ridge,))
    model = BlockModel(fitted, _summary(training.values), agreement(log_risks, np.arange(INNER_FOLDS)))
    log_risk = np.full(len(cohort), np.nan)
    log_risk[members] = out_of_fold(log_risks, np.arange(INNER_FOLDS), training.folds)
    return model, BlockView(log_risk, model.components(vectors))


def by_fold(training: VectorTraining, penalties: tuple[float, ...]) -> Floats:
    """Log-risks [folds, n] of all patients by models fitted without each fold, with a ridge of `penalties`.

    Models of one ridge give log-risks on one scale; ridges that each fold chose apart would not (study `vectors` of
    tests/studies).
    """
    folds = training.folds
    kept = [training.take(np.flatnonzero(folds != fold)) for fold in range(INNER_FOLDS)]
    return np.stack([fit_vector_model(each, penalties).log_risk(training.values) for each in kept])


def _summary(values: Floats) -> Reduction:
    scaling = fit_scaling(values)
    return components(scaling(values), np.flatnonzero(scaling.varies), COMPONENTS)
