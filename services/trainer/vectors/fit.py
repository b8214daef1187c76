"""Fits the model of a block of vectors on training patients: scaling, reduction, and ridge Cox or LightGBM."""

from dataclasses import dataclass, replace

import numpy as np

from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.arms.tabular import PENALTIES
from services.trainer.arms.trees import fit_trees
from services.trainer.cohort.cohort import Outcome
from services.trainer.folds import patient_folds
from services.trainer.vectors.reduction import fit_reduction
from services.trainer.vectors.scaling import Scaling, fit_scaling
from shared.arrays import Floats, Ints
from shared.model.block import Block
from shared.model.hazards import LinearHazard, LogHazard, TreesHazard
from shared.model.trees import read_trees
from shared.model.vector_model import VectorModel, vector_trees_file

INNER_FOLDS = 5


@dataclass(frozen=True, eq=False)
class VectorTraining:
    """What a block's model learns from."""

    block: Block
    columns: tuple[str, ...]
    values: Floats
    """[n, p] of patients who have the block; NaN where a value is missing."""
    outcome: Outcome
    seed: int
    case_ids: tuple[str, ...] = ()
    """[n]; empty where no patient stands there twice."""

    def take(self, index: Ints) -> "VectorTraining":
        """Some of the patients."""
        names = tuple(self.case_ids[i] for i in index) if self.case_ids else ()
        return replace(self, values=self.values[index], outcome=self.outcome[index], case_ids=names)

    @property
    def folds(self) -> Ints:
        """Inner fold [n] of each patient, balanced by event."""
        names = self.case_ids or tuple(map(str, range(len(self.values))))
        return patient_folds(names, self.outcome.event, INNER_FOLDS, np.random.default_rng([self.seed, 37]))


@dataclass(frozen=True, eq=False)
class FittedVectors:
    """A block's model, with the text of its trees where LightGBM gave them."""

    model: VectorModel
    trees: str = ""
    ridge: float = 0.0
    """Penalty of its ridge Cox model; 0 of trees, and of columns that do not vary."""

    def log_risk(self, values: Floats) -> Floats:
        """Log-risk [n] of values [n, p]; NaN for patients without any."""
        file = vector_trees_file(self.model.block)
        return self.model.log_risk(values, {file: read_trees(file, self.trees.encode())} if self.trees else {})


def fit_vector_model(training: VectorTraining, penalties: tuple[float, ...] = PENALTIES) -> FittedVectors:
    """Fit every step on the training patients; the ridge is chosen from `penalties`, of which a single one is taken."""
    scaling = fit_scaling(training.values)
    standardised = scaling(training.values)
    candidates = np.flatnonzero(scaling.varies)
    if not len(candidates):
        return _fitted(training, scaling, np.array([0]), LinearHazard(coefficients=np.zeros(1)))
    reduction = fit_reduction(training.block.fit, standardised, candidates, training.outcome)
    if training.block.fit.model == "lightgbm":
        trees, text = _trees(training, standardised[:, reduction.used])
        return _fitted(training, scaling, reduction.used, trees, text)
    x, outcome = reduction(standardised), training.outcome
    ridge = choose_ridge(x, outcome.time, outcome.is_event, training.folds, penalties)
    coefficients = fit_cox(Sample.of(x, outcome.time, outcome.is_event), ridge)
    hazard = LinearHazard(coefficients=reduction.weights(coefficients))
    return replace(_fitted(training, scaling, reduction.used, hazard), ridge=ridge)


def _fitted(
    training: VectorTraining, scaling: Scaling, used: Ints, hazard: LogHazard, trees: str = ""
) -> FittedVectors:
    model = VectorModel(
        block=training.block.name,
        columns=training.columns,
        mean=scaling.mean,
        scale=scaling.scale,
        used=tuple(used.tolist()),
        log_hazard=hazard,
    )
    return FittedVectors(model, trees)


def _trees(training: VectorTraining, columns: Floats) -> tuple[TreesHazard, str]:
    """LightGBM on columns [n, q], rounds by inner cross-validation; the mean training patient has log-risk 0."""
    trees = fit_trees(columns, training.outcome, training.folds, training.seed)
    centre = float(trees.score(columns).mean())
    hazard = TreesHazard(file=vector_trees_file(training.block.name), centre=centre)
    return hazard, trees.booster.model_to_string()
