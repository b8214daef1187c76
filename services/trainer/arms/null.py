"""Every patient has the cohort's average risk (Aalen-Johansen)."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.metrics.incidence import cumulative_incidence
from shared.arrays import Floats


@dataclass(frozen=True, eq=False)
class Average:
    """The average risk [m] of the training cohort."""

    risk: Floats
    out_of_fold: Prediction

    def predict(self, patients: Patients) -> Prediction:
        """The same for everyone."""
        return constant(self.risk, len(patients))


@dataclass(frozen=True)
class Null:
    """What any other arm has to beat."""

    name: str = "null"
    title: str = "Average risk of the cohort"

    def unavailable_reason(self, patients: Patients) -> str | None:  # noqa: ARG002 - every arm is asked the same
        """Nothing is needed."""
        return None

    def fit(self, train: Patients) -> Fitted:
        """Estimate the cohort's cumulative incidence, once for all and once without each inner fold."""
        out_of_fold = Prediction.nothing(len(train), len(train.grid))
        folds = train.inner_folds()
        for fold in np.unique(folds):
            held_out = np.flatnonzero(folds == fold)
            risk = cumulative_incidence(train.cohort.outcome[folds != fold], train.grid)
            out_of_fold.fill(held_out, constant(risk, len(held_out)))
        return Average(cumulative_incidence(train.cohort.outcome, train.grid), out_of_fold)


def constant(risk: Floats, patients: int) -> Prediction:
    """The same risks [m] for everyone; an average says nothing of competing events, which count as none."""
    risks = np.tile(risk, (patients, 1))
    return Prediction(np.zeros(patients), risks, 1 - risks)
