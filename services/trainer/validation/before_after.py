"""What risks are worth before and after recalibration: each patient by a bundle that was recalibrated without them."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.rule import RULE
from services.trainer.bundle.served import ServedBundle, predict_all
from services.trainer.cohort.cohort import Outcome
from services.trainer.folds import stratified_folds
from services.trainer.metrics import accuracy, calibration
from services.trainer.metrics.bootstrap import NO_FIGURE, Bootstrap
from services.trainer.report_model.recalibrated import BeforeAfter, CalibrationAt
from services.trainer.validation.recalibrated import Recalibrator
from shared.arrays import Floats

FOLDS = 5
_SEED = 1


@dataclass(frozen=True, eq=False)
class Measured:
    """The outcome by a horizon, its place in the predictions' grid, and how intervals are drawn."""

    outcome: Outcome
    years: float
    place: int


def before_and_after(recalibrator: Recalibrator, patients: Patients) -> dict[str, BeforeAfter]:
    """Figures at the first horizon of every arm that is recalibrated.

    Raises:
        UnusableCohortError: without a fold too few events are left to recalibrate on.
    """
    folds = stratified_folds(patients.cohort.outcome.event, FOLDS, np.random.default_rng([_SEED, 53]))
    before = _of_all(recalibrator.served, patients)
    after = {name: Prediction.nothing(len(patients), len(patients.grid)) for name in before}
    for fold in range(FOLDS):
        fitted, rest = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        predictions = _of_all(recalibrator(patients.take(fitted)), patients.take(rest))
        for name, prediction in predictions.items():
            after[name].fill(rest, prediction)
    measured = Measured(patients.cohort.outcome, recalibrator.years[0], patients.horizon)
    return {
        name: BeforeAfter(before=_figures(before[name], measured), after=_figures(after[name], measured))
        for name in before
    }


def _of_all(served: ServedBundle, patients: Patients) -> dict[str, Prediction]:
    predictions, _ = predict_all(served, patients)
    return {name: prediction for name, prediction in predictions.items() if name not in ("null", RULE)}


def _figures(prediction: Prediction, measured: Measured) -> CalibrationAt:
    known = np.flatnonzero(~np.isnan(prediction.log_risk))
    outcome, years = measured.outcome[known], measured.years
    risk: Floats = prediction.risk[known, measured.place]
    draws = Bootstrap.of(len(known), _SEED).fewer
    slope = calibration.slope(outcome, risk, years)
    return CalibrationAt(
        o_e=draws.figure(calibration.observed_over_expected(outcome, risk, years)).rounded(),
        slope=draws.figure(slope).rounded() if np.ptp(risk) > 1e-9 else NO_FIGURE,
        intercept=draws.figure(calibration.intercept(outcome, risk, years)).rounded(),
        brier=draws.figure(accuracy.brier(outcome, risk, years)).rounded(),
    )
