"""SIMULATED patients of a study: clinical columns, a latent score, and outcomes that follow both."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from shared.arrays import Floats

NEW_PATIENTS = 1000
"""Patients of each cohort of whom a model is asked."""
_CLINICAL = np.array([0.5, 0.35, -0.35, 0.2, 0.0, 0.0, 0.0, 0.0])
"""Log hazard ratios of clinical columns, per SD."""


@dataclass(frozen=True, eq=False)
class LatentPatients:
    """n patients."""

    clinical: Floats
    """[n, p], standard normal columns; half of them tell of the outcome."""
    score: Floats
    """[n], what their evidence shows, with SD 1."""
    outcome: Outcome


def draw_patients(count: int, hazard_ratio: float, correlation: float, rng: np.random.Generator) -> LatentPatients:
    """Patients whose score has that hazard ratio per SD, and that correlation with the first clinical column."""
    clinical = rng.normal(size=(count, len(_CLINICAL)))
    own = np.sqrt(1 - correlation**2) * rng.normal(size=count)
    score = correlation * clinical[:, 0] + own
    log_hazard = clinical @ _CLINICAL + np.log(hazard_ratio) * score - 2.4
    time, lost = rng.exponential(np.exp(-log_hazard)), rng.uniform(1, 8, count)
    outcome = Outcome(np.minimum(time, lost), np.asarray(time <= lost, np.int64))
    return LatentPatients(clinical, score, outcome)
