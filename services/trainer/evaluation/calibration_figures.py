"""Observed against predicted risk of an arm at the first horizon."""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.evaluation.pooled import Of, Pooled
from services.trainer.metrics import calibration
from services.trainer.metrics.bootstrap import NO_FIGURE, Bootstrap, Figure, rounded
from services.trainer.metrics.incidence import incidence_draws
from services.trainer.report_model.arms import CalibrationBin, CalibrationFigures
from shared.arrays import Floats


def calibration_figures(pooled: Pooled, name: str, bootstrap: Bootstrap) -> CalibrationFigures:
    """Observed over expected, slope, intercept, groups by risk, and a smooth curve."""
    years, smaller = pooled.horizons[0], bootstrap.fewer
    index, place = pooled.arms[name].known, pooled.place(years)
    risk, outcome = pooled.arms[name].mean_risk(place)[index], pooled.cohort.outcome[index]
    measured, draws = _measured(pooled, name, smaller), smaller.weights[:, index]
    return CalibrationFigures(
        horizon_years=years,
        o_e=measured["o_e"],
        slope=measured["slope"],
        intercept=measured["intercept"],
        bins=tuple(_bin(group, outcome, years, draws) for group in calibration.bins(outcome, risk, years)),
        curve=_curve(outcome, risk, years),
    )


def _measured(pooled: Pooled, name: str, bootstrap: Bootstrap) -> dict[str, Figure]:
    """Figures by name; no slope where all risks of an arm are alike."""
    years, index = pooled.horizons[0], pooled.arms[name].known
    place = pooled.place(years)
    measures: dict[str, Of] = {
        "o_e": lambda outcome, prediction: calibration.observed_over_expected(
            outcome, prediction.risk[:, place], years
        ),
        "intercept": lambda outcome, prediction: calibration.intercept(outcome, prediction.risk[:, place], years),
    }
    if any(np.ptp(prediction.log_risk[index]) >= 1e-9 for prediction in pooled.arms[name].repeats):
        measures["slope"] = lambda outcome, prediction: calibration.slope(outcome, prediction.risk[:, place], years)
    figures = {key: bootstrap.figure(pooled.figure(name, index, of)).rounded() for key, of in measures.items()}
    return {"slope": NO_FIGURE} | figures


def _bin(group: calibration.Bin, outcome: Outcome, years: float, draws: Floats) -> CalibrationBin:
    """A group by risk with the ends of what happened, from the draws [b, n]."""
    drawn = draws[:, group.members]
    resampled = incidence_draws(outcome[group.members], np.array([years]), drawn[drawn.sum(axis=1) > 0])
    lo, hi = (rounded(float(end)) for end in np.quantile(resampled, [0.025, 0.975]))
    return CalibrationBin(rounded(group.predicted), rounded(group.observed), len(group.members), lo, hi)


def _curve(outcome: Outcome, risk: Floats, years: float) -> tuple[tuple[float | None, float | None], ...]:
    if np.ptp(risk) <= 1e-9:
        return ()
    predicted, observed = calibration.smooth_curve(outcome, risk, years)
    return tuple((rounded(float(p)), rounded(float(o))) for p, o in zip(predicted, observed, strict=True))
