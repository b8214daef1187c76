"""Hazard ratios of the whole cohort: a Cox model of all variables, each stratum with a baseline of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from services.trainer.arms.columns import fit_columns
from services.trainer.arms.cox import Sample, derivatives
from services.trainer.cohort.cohort import Cohort
from services.trainer.metrics.bootstrap import NO_FIGURE, Figure
from services.trainer.report_model.patients import HazardRatio
from shared.arrays import Floats, Ints
from shared.model.column import Column, design_matrix
from shared.model.profile import RULE_VARIABLE

_RIDGE = 0.1
"""On standardised columns: so little that it only keeps a separated or repeated column finite."""
_RIDGE_SAYS = 0.4
"""Share of the information on a column from which on it comes from the ridge, not the patients: not reported."""
_WIDEST = 1000
"""A hazard ratio whose ends are farther apart is not reported."""


def hazard_ratios(cohort: Cohort) -> tuple[HazardRatio, ...]:
    """Multivariable hazard ratios with 95 % Wald intervals, None where undetermined; not for prediction.

    Where the profile names a stratum its hazards need not be proportional (Kalbfleisch and Prentice 2002, 4.4), and who
    lacks it is a stratum too. The stratum's own ratios, which such a model cannot know, are those of the same model
    without strata: a mean over follow-up. `strata` of each row says by what its model was stratified. Where the rule's
    answer is a column, its rows come last, of a model that has it beside all variables; theirs are of one without it.
    """
    columns = fit_columns(cohort.case_values, cohort.profile.predictors)
    of_variables = [column for column in columns if column.variable != RULE_VARIABLE]
    rows = _rows(of_variables, cohort)
    return rows if columns == tuple(of_variables) else rows + _rows(columns, cohort)[len(rows) :]


def _rows(columns: Sequence[Column], cohort: Cohort) -> tuple[HazardRatio, ...]:
    """A row for each column of one model."""
    if not columns:
        return ()
    x, stratum = design_matrix(columns, cohort.case_values), cohort.profile.strata
    within = _fit(x, cohort, cohort.strata)
    across = _fit(x, cohort, np.zeros(len(cohort), np.int64)) if stratum else within
    by = ["" if column.variable == stratum else stratum for column in columns]
    estimates = np.where([bool(name) for name in by], within, across)
    ratios = [_ratio(estimates[0, j], estimates[1, j], column.scale) for j, column in enumerate(columns)]
    return tuple(
        HazardRatio(column=column.name, variable=column.variable, strata=strata, ratio=ratio)
        for column, strata, ratio in zip(columns, by, ratios, strict=True)
    )


def _ratio(beta: float, error: float, scale: float) -> Figure:
    ends = [float(np.exp((beta + z * error) / scale)) for z in (0, -1.959964, 1.959964)]
    is_informative = ends[2] < _WIDEST * ends[1] and _RIDGE * error**2 < _RIDGE_SAYS
    return Figure(*ends).rounded(4) if is_informative else NO_FIGURE


def _fit(x: Floats, cohort: Cohort, strata: Ints) -> Floats:
    """Coefficients and their standard errors [2, p]."""
    outcome = cohort.outcome
    parts = [strata == number for number in np.unique(strata)]
    loss = _Loss([Sample.of(x[members], outcome.time[members], outcome.is_event[members]) for members in parts])
    estimates = minimize(
        loss,
        np.zeros(x.shape[1]),
        method="trust-exact",
        jac=loss.gradient,
        hess=loss.information,
        options={"gtol": 1e-6},
    ).x
    return np.stack([estimates, np.sqrt(np.diag(np.linalg.inv(loss.information(estimates))))])


@dataclass(frozen=True, eq=False)
class _Loss:
    """Less the log partial likelihood, summed over strata, with the ridge."""

    strata: Sequence[Sample]

    def __call__(self, beta: Floats) -> float:
        return float(_RIDGE / 2 * beta @ beta) - sum(sample.log_likelihood(beta) for sample in self.strata)

    def gradient(self, beta: Floats) -> Floats:
        parts = [derivatives(sample, beta, 0.0)[0] for sample in self.strata]
        return np.asarray(_RIDGE * beta - np.sum(parts, axis=0), np.float64)

    def information(self, beta: Floats) -> Floats:
        """Second derivative [p, p]."""
        parts = [derivatives(sample, beta, 0.0)[1] for sample in self.strata]
        return np.asarray(_RIDGE * np.eye(len(beta)) + np.sum(parts, axis=0), np.float64)
