"""Out-of-fold log-risks of a block of vectors by one ridge for all inner folds or by one of each, SIMULATED.

A patient has a latent score that the vector's columns show with noise, as `medulla simulate --vectors` draws them, and
clinical columns. The block is fitted and fused as the trainer does it; new patients are asked of the fused model.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.columns import ridge_shares
from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.arms.tabular import PENALTIES
from services.trainer.cohort.cohort import Outcome
from services.trainer.folds import stratified_folds
from services.trainer.out_of_fold import out_of_fold
from services.trainer.simulation.vectors import VectorPlan, draw_vectors
from services.trainer.vectors.fit import INNER_FOLDS, FittedVectors, VectorTraining, fit_vector_model
from services.trainer.vectors.stage import by_fold
from shared.arrays import Flags, Floats, Ints
from shared.model.block import Block
from tests.studies.latent_patients import NEW_PATIENTS, draw_patients
from tests.studies.risk_figures import by_way, calibration_slope, harrell

BY_FOLD, ONE, CONCATENATED = "a ridge of each fold", "one ridge", "concatenated"
_BLOCK = Block(name="blood", source="vectors")


@dataclass(frozen=True, eq=False)
class VectorPatients:
    """n patients."""

    clinical: Floats
    """[n, k], standard normal columns."""
    vectors: Floats
    """[n, p]; NaN where a value is missing."""
    outcome: Outcome


@dataclass(frozen=True)
class VectorRidgePlan:
    """Cohorts drawn with the seeds `first` to `first + cohorts - 1`."""

    first: int
    cohorts: int
    patients: int
    hazard_ratio: float
    """Of the latent score, per SD."""
    columns: int
    """Of a vector; more than 20 become principal components."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-vectors"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan; each cohort's figures, by way to fit the out-of-fold log-risks."""
        del data, work
        cohorts = [self._cohort(seed) for seed in range(self.first, self.first + self.cohorts)]
        return by_way(cohorts)

    def _cohort(self, seed: int) -> dict[str, dict[str, float]]:
        rng = np.random.default_rng([seed, 73])
        known, new = (self._draw(count, rng) for count in (self.patients, NEW_PATIENTS))
        names = tuple(f"v{place}" for place in range(self.columns))
        training = VectorTraining(_BLOCK, names, known.vectors, known.outcome, seed)
        folds = stratified_folds(known.outcome.event, INNER_FOLDS, rng)
        cohort = FusedCohort(training, fit_vector_model(training), known, new, folds)
        return cohort.figures()

    def _draw(self, count: int, rng: np.random.Generator) -> VectorPatients:
        """Patients; those of whom no vector is known are left out."""
        drawn = draw_patients(count, self.hazard_ratio, 0.0, rng)
        vectors = draw_vectors(VectorPlan(_BLOCK.name, self.columns, self.hazard_ratio), drawn.score, rng)
        known = np.flatnonzero(~np.isnan(vectors).all(axis=1))
        return VectorPatients(drawn.clinical[known], vectors[known], drawn.outcome[known])


@dataclass(frozen=True, eq=False)
class FusedCohort:
    """A training cohort with the model of its block, and new patients."""

    training: VectorTraining
    fitted: FittedVectors
    known: VectorPatients
    new: VectorPatients
    folds: Ints
    """[n], inner folds of the fused model."""

    def figures(self) -> dict[str, dict[str, float]]:
        """By way to fit the out-of-fold log-risks; and with clinical columns and vectors under one ridge."""
        clinical = self._c(self.known.clinical, self.new.clinical)
        penalties = {BY_FOLD: PENALTIES, ONE: (self.fitted.ridge,)}
        figures = {way: self._fused(each, clinical) for way, each in penalties.items()}
        scaled = (self.fitted.model.standardised(each.vectors) for each in (self.known, self.new))
        joined = (
            np.hstack([each.clinical, vectors]) for each, vectors in zip((self.known, self.new), scaled, strict=True)
        )
        return figures | {CONCATENATED: {"over_clinical": self._c(*joined) - clinical}}

    def _c(self, design: Floats, new: Floats) -> float:
        """C of a ridge Cox model of standardised columns."""
        return harrell(self.new.outcome, new @ self._weights(design, np.zeros(design.shape[1], np.bool_)))

    def _weights(self, design: Floats, bound: Flags) -> Floats:
        """Weights [p] as the trainer fits them: of the log-risks `bound` [p] at least 0, with their share of ridge."""
        outcome = self.known.outcome
        ridge = choose_ridge(design, outcome.time, outcome.is_event, self.folds, PENALTIES, bound)
        sample = Sample.of(design, outcome.time, outcome.is_event)
        return fit_cox(sample, ridge * ridge_shares(bound), non_negative=bound)

    def _fused(self, penalties: tuple[float, ...], clinical: float) -> dict[str, float]:
        """Figures of new patients with out-of-fold log-risks by `penalties`; `clinical` is the C without the block."""
        training, outcome = self.training, self.new.outcome
        log_risk = out_of_fold(by_fold(training, penalties), np.arange(INNER_FOLDS), training.folds)
        new = self.fitted.log_risk(self.new.vectors)
        centre, spread = float(log_risk.mean()), max(float(log_risk.std()), 1e-6)
        columns = [(each - centre) / spread for each in (log_risk, new)]
        design, fresh = (
            np.column_stack([of.clinical, column]) for of, column in zip((self.known, self.new), columns, strict=True)
        )
        weights = self._weights(design, np.arange(design.shape[1]) == design.shape[1] - 1)
        alone = self._weights(design[:, -1:], np.array([True]))
        return {
            "over_clinical": harrell(outcome, fresh @ weights) - clinical,
            "slope": calibration_slope(outcome, fresh @ weights),
            "weight": float(weights[-1]),
            "alone": harrell(outcome, columns[1] * alone[0]),
            "out_of_fold": harrell(self.known.outcome, log_risk),
        }
