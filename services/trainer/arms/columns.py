"""Fits design columns: which columns a variable gives, and their imputation, centre and scale from training cases."""

from collections.abc import Iterator, Sequence

import numpy as np

from shared.arrays import Flags, Floats
from shared.model.case_values import CaseValues
from shared.model.column import Column, Form
from shared.model.profile import Profile
from shared.model.variable import Variable

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
LOG_RISK_SHARE = 0.25
"""Share of the ridge that a block's log-risk column bears in the model of the event of interest. The ridge is chosen
for columns of the record, most of which tell little, while one log-risk holds all that its block tells: the whole ridge
leaves its weight too small. Penalties that differ by group of columns: Boulesteix et al., Comput Math Methods Med 2017,
7691937; the value is from the study `fusion` of tests/studies."""


def fit_columns(train: CaseValues, variables: Sequence[Variable]) -> tuple[Column, ...]:
    """Columns of some variables, with imputation, centre and scale from the training cases."""
    fitted = [_fitted(column, column.encoded(train)) for column in _candidates(train, variables)]
    return tuple(column for column in fitted if column is not None)


def log_risk_columns(columns: Sequence[Column], profile: Profile) -> Flags:
    """Columns [p] that hold a log-risk of a block, which a model of the event gave: fusion never weighs it below 0."""
    names = [variable.name for variable in profile.log_risks]
    return np.array([column.variable in names for column in columns], np.bool_)


def ridge_shares(log_risks: Flags) -> Floats:
    """Share [p] of the ridge that each column bears; `log_risks` [p] are those of `log_risk_columns`."""
    return np.where(log_risks, LOG_RISK_SHARE, 1.0)


def _candidates(train: CaseValues, variables: Sequence[Variable]) -> Iterator[Column]:
    log_risks = [variable.name for variable in train.profile.log_risks]
    for variable in variables:
        if variable.name in log_risks:
            yield _column(variable.name, variable, "value")
        else:
            yield from _of_variable(variable, train.column(variable.name))


def _of_variable(variable: Variable, values: Floats) -> Iterator[Column]:
    name = variable.name
    if variable.kind == "numeric":
        yield _column(name, variable, "value")
        yield from (_column(f"{name} < {cut}", variable, "below", cut=float(cut)) for cut in variable.cuts)
    elif variable.kind == "ordinal":
        yield _column(name, variable, "rank", levels=variable.levels)
        for cut in variable.cuts:
            levels = variable.levels[variable.levels.index(str(cut)) :]
            yield _column(f"{name} >= {cut}", variable, "level", levels=levels)
    else:
        known = values[~np.isnan(values)].astype(np.int64)
        usual = int(np.bincount(known, minlength=1).argmax()) if variable.kind == "categorical" else 0
        others = (level for i, level in enumerate(variable.levels) if i != usual)
        yield from (_column(f"{name} = {level}", variable, "level", levels=(level,)) for level in others)
    if _LEAST_MISSING <= np.isnan(values).mean() <= 1 - _LEAST_MISSING:
        yield _column(f"{name} missing", variable, "missing")


def _column(name: str, variable: Variable, form: Form, *, levels: tuple[str, ...] = (), cut: float = 0.0) -> Column:
    return Column(name=name, variable=variable.name, form=form, levels=levels, cut=cut)


def _fitted(column: Column, encoded: Floats) -> Column | None:
    """The column with its numbers from training; None where too few values differ."""
    known = encoded[~np.isnan(encoded)]
    if len(known) < _LEAST or np.ptp(known) == 0:
        return None
    if column.form in ("below", "level", "missing") and min(known.sum(), len(known) - known.sum()) < _LEAST:
        return None
    impute = float(known.mean())
    filled = np.where(np.isnan(encoded), impute, encoded)
    return column.model_copy(update={"impute": impute, "mean": impute, "scale": _scale(column.form, filled)})


def _scale(form: Form, filled: Floats) -> float:
    if form == "missing":
        return _MISSING_SCALE
    spread = float(filled.std())
    return (_EVEN * spread) ** 0.5 if form in ("below", "level") else spread
