"""What the missing values of a record could change: the range of risk over the values that each can have."""

from collections.abc import Iterator, Sequence

import numpy as np
from medulla.v1.scorer_pb2 import MissingVariable

from shared.model.bundle import Bundle
from shared.model.case_values import CaseValues, position
from shared.model.reference import NumericReference
from shared.model.variable import Value, Variable
from shared.model.vocabulary import with_unit

_POINTS = 25
"""Of a numeric variable."""
_SPREADS = 2.0
"""Reach of a numeric variable around its training mean where the bundle does not hold its training range."""


def missing_variables(bundle: Bundle, arm: str, horizon_years: float, known: CaseValues) -> Iterator[MissingVariable]:
    """One for each variable of the record that an arm reads and the case lacks, in the order of the profile."""
    profile = bundle.manifest.profile
    read = profile.inputs_of(column.variable for column in bundle.arms[arm].columns)
    for variable in profile.variables:
        if variable.name in read and variable.name not in known.columns:
            values = _values(variable, bundle.reference.numeric.get(variable.name))
            if values:
                yield _range(bundle, arm, horizon_years, known, variable, values)


def _range(
    bundle: Bundle, arm: str, horizon_years: float, known: CaseValues, variable: Variable, values: Sequence[Value]
) -> MissingVariable:
    columns = {name: np.repeat(column, len(values)) for name, column in known.columns.items()}
    columns[variable.name] = np.array([position(variable, value) for value in values])
    prediction = bundle.predict(arm, CaseValues(known.profile, columns, len(values)))
    risks = prediction.risk[:, prediction.horizons_years.index(horizon_years)]
    lowest, highest = int(risks.argmin()), int(risks.argmax())
    return MissingVariable(
        variable=variable.name,
        label=variable.shown,
        horizon_years=horizon_years,
        lo=risks[lowest],
        lo_value=with_unit(variable, values[lowest]),
        hi=risks[highest],
        hi_value=with_unit(variable, values[highest]),
    )


def _values(variable: Variable, reference: NumericReference | None) -> Sequence[Value]:
    """Levels, or numbers over the range of training; none of a number that the bundle does not know."""
    if variable.levels or reference is None:
        return variable.levels
    low, high = _training_range(variable, reference)
    return [float(number) for number in np.linspace(low, high, _POINTS)]


def _training_range(variable: Variable, reference: NumericReference) -> tuple[float, float]:
    if reference.low is not None and reference.high is not None:
        return reference.low, reference.high
    low, high = (reference.mean + side * _SPREADS * reference.spread for side in (-1, 1))
    return max(low, _or(variable.low, low)), min(high, _or(variable.high, high))


def _or(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound
