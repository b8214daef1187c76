"""From a cohort's values to columns of numbers: encoded, imputed and standardised as the training patients say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from services.trainer.cohort.cohort import Cohort, Floats
from services.trainer.profile import PATHOMICS, Variable

Form = Literal["value", "below", "level", "rank", "missing"]

_LEAST = 3
"""A yes-or-no column with fewer patients on either side is left out."""
_LEAST_MISSING = 0.02
"""Share of missing values from which their being missing is a column of its own."""
_EVEN = 0.5
"""Standard deviation of an even yes-or-no column. Such a column's scale is the geometric mean of this and its own: on
one scale for all a ridge holds rare levels back as strongly as common ones (compare Gelman, Stat Med 2008;27:2865), on
its own it lets them loose."""
_MISSING_SCALE = 2.0
"""Scale of a missing-value indicator, which makes its ridge 16 times as strong: it says more of a registry than of a
patient."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how a variable becomes a number, standardised as (number - mean) / scale; a bundle holds the same."""

    name: str
    variable: str
    form: Form
    levels: tuple[str, ...] = ()
    cut: float = 0.0
    impute: float = 0.0
    mean: float = 0.0
    scale: float = 1.0


def fit_columns(train: Cohort, variables: Sequence[Variable], pathomics: Floats | None) -> tuple[Column, ...]:
    """Columns of some variables and, where given, of the pathomic log-risk [n], as the training cohort has them."""
    fitted = [_fitted(column, _raw(column, train, pathomics)) for column in _all(train, variables, pathomics)]
    return tuple(column for column in fitted if column is not None)


def matrix(columns: Sequence[Column], cohort: Cohort, pathomics: Floats | None) -> Floats:
    """Standardised columns [n, p]."""
    if not columns:
        return np.zeros((len(cohort), 0))
    return np.stack([_standard(column, _raw(column, cohort, pathomics)) for column in columns], axis=1)


def _all(train: Cohort, variables: Sequence[Variable], pathomics: Floats | None) -> Iterator[Column]:
    for variable in variables:
        yield from _of(variable, train.column(variable.name))
    if pathomics is not None:
        yield Column(PATHOMICS, PATHOMICS, "value")


def _of(variable: Variable, values: Floats) -> Iterator[Column]:
    name = variable.name
    if variable.kind == "numeric":
        yield Column(name, name, "value")
        yield from (Column(f"{name} < {cut}", name, "below", cut=float(cut)) for cut in variable.cuts)
    elif variable.kind == "ordinal":
        yield Column(name, name, "rank", levels=variable.levels)
        for cut in variable.cuts:
            yield Column(f"{name} >= {cut}", name, "level", levels=variable.levels[variable.levels.index(str(cut)) :])
    else:
        known = values[~np.isnan(values)].astype(np.int64)
        usual = int(np.bincount(known, minlength=1).argmax()) if variable.kind == "categorical" else 0
        others = (level for i, level in enumerate(variable.levels) if i != usual)
        yield from (Column(f"{name} = {level}", name, "level", levels=(level,)) for level in others)
    if _LEAST_MISSING <= np.isnan(values).mean() <= 1 - _LEAST_MISSING:
        yield Column(f"{name} missing", name, "missing")


def _raw(column: Column, cohort: Cohort, pathomics: Floats | None) -> Floats:
    """The number before imputation, NaN where missing."""
    if column.variable == PATHOMICS and pathomics is not None:
        return pathomics
    values = cohort.column(column.variable)
    missing = np.isnan(values)
    if column.form == "missing":
        return missing.astype(np.float64)
    if column.form == "below":
        return np.where(missing, np.nan, values < column.cut)
    if column.form == "level":
        variable = cohort.profile.variables[cohort.profile.position(column.variable)]
        wanted = [variable.levels.index(level) for level in column.levels]
        return np.where(missing, np.nan, np.isin(values, wanted))
    return values


def _fitted(column: Column, raw: Floats) -> Column | None:
    """The column with its numbers from training; None where it says too little."""
    known = raw[~np.isnan(raw)]
    if len(known) < _LEAST or np.ptp(known) == 0:
        return None
    if column.form in ("below", "level", "missing") and min(known.sum(), len(known) - known.sum()) < _LEAST:
        return None
    impute = float(known.mean())
    filled = np.where(np.isnan(raw), impute, raw)
    return replace(column, impute=impute, mean=impute, scale=_scale(column.form, filled))


def _scale(form: Form, filled: Floats) -> float:
    if form == "missing":
        return _MISSING_SCALE
    spread = float(filled.std())
    return (_EVEN * spread) ** 0.5 if form in ("below", "level") else spread


def _standard(column: Column, raw: Floats) -> Floats:
    return np.asarray((np.where(np.isnan(raw), column.impute, raw) - column.mean) / column.scale, np.float64)
