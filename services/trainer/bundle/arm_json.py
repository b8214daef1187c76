"""An arm as JSON, in the shape that the scorer reads, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from services.trainer.arms.tabular import CauseFit, Tabular
from services.trainer.bundle.served_arms import ServedArm, ServedTrees
from shared.arrays import Floats
from shared.model.column import Column

LEVEL = 0.9
TREES_FILE = "lightgbm.txt"


def arm_json(arm: ServedArm) -> dict[str, Any]:
    """Columns, time grid, fit and refits."""
    return {
        "columns": [_column(column) for column in arm.model.columns],
        "times_years": plain(arm.model.grid),
        "fit": _fit(arm.model),
        "refits": [_fit(model) for model in arm.refits],
        "level": LEVEL,
    }


def trees_json(served: ServedTrees) -> dict[str, Any]:
    """The same for the trees: the event of interest by them, what competes by its baseline alone."""
    event, *others = served.scored.model.causes
    hazard = {"kind": "lightgbm", "file": TREES_FILE, "centre": plain(served.centre), "scale": plain(served.scale)}
    nothing = {"kind": "linear", "coefficients": [0.0] * len(served.columns)}
    return {
        "columns": [_column(column) for column in served.columns],
        "times_years": plain(served.scored.model.grid),
        "fit": {
            "event": {"log_hazard": hazard, "baseline": plain(event.baseline)},
            "competing": [{"log_hazard": nothing, "baseline": plain(cause.baseline)} for cause in others],
        },
        "level": LEVEL,
    }


def tabular_json(model: Tabular) -> dict[str, Any]:
    """A whole model, with what only a validation needs."""
    said = {
        "columns": [_column(column) for column in model.columns],
        "times_years": plain(model.grid),
        "fit": _fit(model),
    }
    return said | {"reference": plain(model.reference), "horizon": model.horizon, "ridge": model.ridge}


def read_tabular(said: Mapping[str, Any], reference: float, horizon: int) -> Tabular:
    """A model from an arm's JSON."""
    columns = tuple(Column(**column) for column in said["columns"])
    return Tabular(columns, _floats(said["times_years"]), _causes(said["fit"]), reference, horizon, 0.0)


def read_fit(model: Tabular, fit: Mapping[str, Any]) -> Tabular:
    """A model with the numbers of one of its refits."""
    return replace(model, causes=_causes(fit))


def _causes(fit: Mapping[str, Any]) -> tuple[CauseFit, ...]:
    parts = [fit["event"], *fit["competing"]]
    return tuple(CauseFit(_floats(part["log_hazard"]["coefficients"]), _floats(part["baseline"])) for part in parts)


def plain(value: Any, digits: int = 7) -> Any:
    """Arrays as lists, numbers at `digits` significant digits."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist(), digits)
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, Mapping):
        return {name: plain(item, digits) for name, item in value.items()}
    return [plain(item, digits) for item in value] if isinstance(value, list | tuple) else value


def _column(column: Column) -> dict[str, Any]:
    said: dict[str, Any] = plain(column.model_dump(), 12)
    return said


def _fit(model: Tabular) -> dict[str, Any]:
    parts = [
        {
            "log_hazard": {"kind": "linear", "coefficients": plain(cause.coefficients)},
            "baseline": plain(np.maximum.accumulate(cause.baseline)),
        }
        for cause in model.causes
    ]
    return {"event": parts[0], "competing": parts[1:]}


def _floats(values: Sequence[float]) -> Floats:
    return np.asarray(values, np.float64)
