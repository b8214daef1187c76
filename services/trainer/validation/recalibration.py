"""What a bundle's risks would be worth on a new cohort once their level and spread were set right there.

Reported beside a validation and never instead of it: the shift and slope are cross-validated over patients of the new
cohort, and the bundle stays as it is.
"""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.evaluation.pooled import Pooled, Restricted
from services.trainer.folds import stratified_folds
from services.trainer.metrics import accuracy, calibration
from services.trainer.metrics.bootstrap import Bootstrap
from services.trainer.report_model.procedure import RecalibratedArm, RecalibratedFigures, Recalibration
from shared.arrays import Floats, Ints
from shared.model.calibration import recalibrated

FOLDS = 5
LEAST_EVENTS = 10
"""Fewer events by the horizon do not tell a slope."""


def recalibration(pooled: Pooled, bootstrap: Bootstrap, seed: int) -> Recalibration:
    """For every arm, O/E and Brier score at the first horizon as it is, with a new level, and with level and slope."""
    years = pooled.horizons[0]
    by_then = int((pooled.cohort.outcome.is_event & (pooled.cohort.outcome.time <= years)).sum())
    if by_then < LEAST_EVENTS:
        why = f"{by_then} events by {years:g} years, {LEAST_EVENTS} needed"
        return Recalibration(horizon_years=years, arms={}, why=why)
    arms = {name: _arm(pooled, name, bootstrap, seed) for name in pooled.arms if name != "null"}
    return Recalibration(horizon_years=years, folds=FOLDS, arms=arms)


def _arm(pooled: Pooled, name: str, bootstrap: Bootstrap, seed: int) -> RecalibratedArm:
    years, index = pooled.horizons[0], pooled.arms[name].known
    outcome, risk = pooled.cohort.outcome[index], pooled.arms[name].repeats[0].risk[index, pooled.place(years)]
    folds = stratified_folds(outcome.event, FOLDS, np.random.default_rng([seed, 47]))

    def measured(risks: Floats) -> RecalibratedFigures:
        return _figures(outcome, risks, years, index, bootstrap)

    return RecalibratedArm(
        as_it_is=measured(risk),
        level=measured(cross_recalibrated(outcome, risk, years, folds, slope=False)),
        level_and_slope=measured(cross_recalibrated(outcome, risk, years, folds, slope=True)),
    )


def cross_recalibrated(outcome: Outcome, risk: Floats, years: float, folds: Ints, *, slope: bool) -> Floats:
    """Risks [n] on the log hazard scale, shifted (and stretched) by the fit to the patients of the other folds."""
    moved = np.empty(len(risk))
    for fold in np.unique(folds):
        fitted, rest = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        moved[rest] = recalibrated(risk[rest], *calibration.line(outcome[fitted], risk[fitted], years, slope=slope))
    return moved


def _figures(outcome: Outcome, risk: Floats, years: float, index: Ints, bootstrap: Bootstrap) -> RecalibratedFigures:
    ratio = calibration.observed_over_expected(outcome, risk, years)
    error = accuracy.brier(outcome, risk, years)
    return RecalibratedFigures(
        o_e=bootstrap.figure(Restricted(index, ratio)).rounded(),
        brier=bootstrap.figure(Restricted(index, error)).rounded(),
    )
