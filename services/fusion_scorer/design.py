"""A case as a row of numbers: encoding, imputation and standardisation as the bundle states them."""

from collections.abc import Mapping
from typing import assert_never

import numpy as np
import numpy.typing as npt

from services.fusion_scorer.arm import Arm, Column
from services.fusion_scorer.clinical import Value

Floats = npt.NDArray[np.float64]


def row(arm: Arm, values: Mapping[str, Value]) -> Floats:
    """Standardised columns [c] of a case; what is missing takes the training cohort's stated number."""
    return np.array([(_number(column, values) - column.mean) / column.scale for column in arm.columns], np.float64)


def _number(column: Column, values: Mapping[str, Value]) -> float:
    known = column.variable in values
    if column.form == "missing":
        return float(not known)
    return _known(column, values[column.variable]) if known else column.impute


def _known(column: Column, value: Value) -> float:
    match column.form:
        case "value":
            return float(value)
        case "below":
            return float(float(value) < column.cut)
        case "level":
            return float(value in column.levels)
        case "rank":
            return float(column.levels.index(str(value)))
        case "missing":
            return 0.0
    assert_never(column.form)
