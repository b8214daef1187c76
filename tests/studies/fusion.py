"""The weight of a network's log-risk in late fusion: its sign and its attenuation, on SIMULATED log-risks.

No network is trained. A patient has a latent slide score; the networks of each fold see it with an error that all of
them share, an error of their own, and, of patients they were taught on, a memory of the outcome. A training patient
is scored by the networks of the fold that left them out, a new patient by the mean of all.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.arms.tabular import PENALTIES
from services.trainer.cohort.cohort import Outcome
from services.trainer.folds import stratified_folds
from shared.arrays import Flags, Floats, Ints
from tests.studies.corrections import NetworkScores, corrected_weights
from tests.studies.latent_patients import NEW_PATIENTS, draw_patients
from tests.studies.risk_figures import by_way, calibration_slope, harrell

_FOLDS = 5
_ERROR = {1.0: 1.6, 1.3: 1.6, 3.0: 0.5}
"""By hazard ratio of the score: SD of the networks' common error and of a fold's own; less is learned of a weak one."""
_SCALE_SD, _MEMORY = 0.15, 0.5


@dataclass(frozen=True, eq=False)
class SimulatedScores:
    """Training and new patients: design with the log-risk last, and outcomes."""

    training: Floats
    outcome: Outcome
    networks: NetworkScores
    new: Floats
    new_outcome: Outcome


@dataclass(frozen=True)
class FusionPlan:
    """Cohorts drawn with the seeds `first` to `first + cohorts - 1`."""

    first: int
    cohorts: int
    patients: int
    hazard_ratio: float
    correlation: float
    """Of the slide score with a clinical column that tells of the outcome."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-fusion"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan; each cohort's figures, by way to set the weight."""
        del data, work
        cohorts = [self._cohort(seed) for seed in range(self.first, self.first + self.cohorts)]
        return by_way(cohorts)

    def _cohort(self, seed: int) -> dict[str, dict[str, float]]:
        rng = np.random.default_rng([seed, 71])
        scores = self._draw(rng)
        weights = fitted_weights(scores, rng)
        alone = harrell(scores.new_outcome, scores.new[:, :-1] @ weights.pop("clinical")[:-1])
        slides = harrell(scores.new_outcome, scores.new[:, -1])
        return {way: _figures(scores, weight, alone, slides) for way, weight in weights.items()}

    def _draw(self, rng: np.random.Generator) -> SimulatedScores:
        known = draw_patients(self.patients, self.hazard_ratio, self.correlation, rng)
        happened = known.outcome.is_event
        folds = stratified_folds(known.outcome.event, _FOLDS, rng)
        scale = np.exp(_SCALE_SD * rng.normal(size=_FOLDS))
        seen = folds[None, :] != np.arange(_FOLDS)[:, None]
        networks = self._networks(known.score, scale, rng) + seen * _MEMORY * (happened - happened.mean())
        new = draw_patients(NEW_PATIENTS, self.hazard_ratio, self.correlation, rng)
        ensemble = self._networks(new.score, scale, rng).mean(axis=0)
        out_of_fold = networks[folds, np.arange(self.patients)]
        centre, spread = out_of_fold.mean(), out_of_fold.std()
        return SimulatedScores(
            np.column_stack([known.clinical, (out_of_fold - centre) / spread]),
            known.outcome,
            NetworkScores(networks, folds),
            np.column_stack([new.clinical, (ensemble - centre) / spread]),
            new.outcome,
        )

    def _networks(self, score: Floats, scale: Floats, rng: np.random.Generator) -> Floats:
        """Log-risk [folds, n] by the networks of each fold, of patients they do not know."""
        error = _ERROR[self.hazard_ratio]
        common = score + error * rng.normal(size=len(score))
        return np.asarray(scale[:, None] * (common + error * rng.normal(size=(_FOLDS, len(score)))), np.float64)


def fitted_weights(scores: SimulatedScores, rng: np.random.Generator) -> dict[str, Floats]:
    """Weights [p] of the columns by way to set them; of clinical columns alone, 0 for the log-risk."""
    x, outcome = scores.training, scores.outcome
    folds = stratified_folds(outcome.event, _FOLDS, rng)
    bound: Flags = np.arange(x.shape[1]) == x.shape[1] - 1
    weights = {
        "clinical": np.append(_fitted(x[:, :-1], outcome, folds, None)[0], 0.0),
        "unconstrained": _fitted(x, outcome, folds, None)[0],
    }
    weights["non-negative"], ridge = _fitted(x, outcome, folds, bound)
    return weights | corrected_weights(x, outcome, ridge, scores.networks, rng)


def _fitted(x: Floats, outcome: Outcome, folds: Ints, bound: Flags | None) -> tuple[Floats, float]:
    ridge = choose_ridge(x, outcome.time, outcome.is_event, folds, PENALTIES, bound)
    return fit_cox(Sample.of(x, outcome.time, outcome.is_event), ridge, non_negative=bound), ridge


def _figures(scores: SimulatedScores, weight: Floats, clinical: float, slides: float) -> dict[str, float]:
    log_risk = scores.new @ weight
    c = harrell(scores.new_outcome, log_risk)
    return {
        "wrong_sign": float(weight[-1] < 0),
        "over_clinical": c - clinical,
        "over_slides": c - slides,
        "slope": calibration_slope(scores.new_outcome, log_risk),
        "weight": float(weight[-1]),
    }
