"""A case as a row of numbers: encoding, imputation and standardisation as the bundle states them."""

from collections.abc import Mapping
from typing import assert_never

import numpy as np

from services.fusion_scorer.arm import Arm, Column
from services.fusion_scorer.clinical import Value
from shared.arrays import Floats


def row(arm: Arm, values: Mapping[str, Value]) -> Floats:
    """Standardised columns [c] of a case; what is missing takes the training cohort's stated number."""
    return np.array([(_number(column, values) - column.mean) / column.scale for column in arm.columns], np.float64)


def _number(column: Column, values: Mapping[str, Value]) -> float:
    value = values.get(column.variable)
    if column.form == "missing":
        return float(value is None)
    if value is None:
        return column.impute
    match column.form:
        case "value":
            return float(value)
        case "below":
            return float(float(value) < column.cut)
        case "level":
            return float(value in column.levels)
        case "rank":
            return float(column.levels.index(str(value)))
    assert_never(column.form)
