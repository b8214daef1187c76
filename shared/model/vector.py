"""Arrays of numbers as fields of a profile or bundle: lists in JSON, float64 arrays in memory."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import numpy as np
from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from shared.arrays import Floats


def _as_list(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _as_array(value: tuple[Any, ...]) -> Floats:
    return np.array(value, np.float64)


def _as_matrix(value: tuple[tuple[float, ...], ...]) -> Floats:
    if len({len(row) for row in value}) > 1:
        raise ValueError("rows differ in length")
    return np.array(value, np.float64) if value else np.zeros((0, 0))


if TYPE_CHECKING:
    Vector: TypeAlias = Floats
    Matrix: TypeAlias = Floats
else:
    _JSON = PlainSerializer(_as_list)
    Vector = Annotated[tuple[float, ...], BeforeValidator(_as_list), AfterValidator(_as_array), _JSON]
    Matrix = Annotated[tuple[tuple[float, ...], ...], BeforeValidator(_as_list), AfterValidator(_as_matrix), _JSON]


def significant(value: Any, digits: int) -> Any:
    """A value for JSON: arrays as lists, numbers at `digits` significant digits."""
    if isinstance(value, np.ndarray | np.generic):
        return significant(value.tolist(), digits)
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {name: significant(item, digits) for name, item in value.items()}
    return [significant(item, digits) for item in value] if isinstance(value, list | tuple) else value
