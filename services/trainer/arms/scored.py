"""Arms of one score per patient: a Cox model of that score alone makes it a calibrated risk."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.tabular import Recipe, Tabular, fit_design
from shared.arrays import Floats
from shared.model.column import Column

_RIDGE = 1.0
SCORE = "score"


@dataclass(frozen=True, eq=False)
class Scored:
    """A score, the model that calibrates it, and its predictions for training patients by their out-of-fold scores."""

    score: Callable[[Patients], Floats]
    """Scores [n] of patients, NaN where there is none."""
    model: Tabular
    out_of_fold: Prediction
    keeps_order: bool = False
    """Whether log-risks are the scores as they are, so that models of several folds order patients alike."""

    def predict(self, patients: Patients) -> Prediction:
        """Calibrated risks; nothing for a patient without a score."""
        score = self.score(patients)
        prediction = calibrated(self.model, score)
        return replace(prediction, log_risk=score) if self.keeps_order else prediction


def fit_scored(
    train: Patients, out_of_fold: Floats, score: Callable[[Patients], Floats], *, keeps_order: bool = False
) -> Scored:
    """Calibrate on the training patients' out-of-fold scores [n]; a higher score is never a lower hazard."""
    known = np.flatnonzero(~np.isnan(out_of_fold))
    scores = out_of_fold[known]
    column = Column(
        name=SCORE, variable=SCORE, form="value", mean=float(scores.mean()), scale=max(float(scores.std()), 1e-6)
    )
    recipe = Recipe((), grid=train.grid, horizon=train.horizon)
    x = ((scores - column.mean) / column.scale)[:, None]
    model = fit_design((column,), x, train.cohort.outcome[known], recipe, _RIDGE, np.array([True]))
    predicted = calibrated(model, out_of_fold)
    if keeps_order:
        predicted = replace(predicted, log_risk=out_of_fold)
    return Scored(score, model, predicted, keeps_order)


def calibrated(model: Tabular, score: Floats) -> Prediction:
    """Risks from scores [n]."""
    column = model.arm.columns[0]
    x = (score - column.mean) / column.scale
    known = np.flatnonzero(~np.isnan(x))
    predictions = Prediction.nothing(len(score), len(model.arm.times_years))
    predictions.fill(known, model.predict_design(x[known, None]))
    return predictions
