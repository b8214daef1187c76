"""One fitted model of a bundle, as numbers in JSON: columns, coefficients, baseline hazards and refits."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from shared.arrays import Floats
from shared.model.column import Column
from shared.model.fitted_hazards import FittedHazards
from shared.model.hazards import Fit, LinearHazard, LogHazard, Trees
from shared.model.variable import Frozen
from shared.model.vector import Vector, significant

LEVEL = 0.9
_DIGITS, _COLUMN_DIGITS = 7, 12


class Arm(Frozen):
    """A model for one pattern of known blocks, with refits on resampled cohorts for its interval."""

    columns: tuple[Column, ...]
    times_years: Vector
    """[m], rising; the baselines' grid."""
    fit: Fit
    refits: tuple[Fit, ...] = ()
    level: float = Field(default=LEVEL, gt=0, lt=1)
    """Nominal coverage of the interval that the refits span."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if np.any(np.diff(self.times_years, prepend=0.0) <= 0):
            raise ValueError("the time grid does not rise from 0")
        for fit in (self.fit, *self.refits):
            self.check(fit)
        return self

    def check(self, fit: Fit) -> None:
        """Refuse a fit of other columns or another time grid.

        Raises:
            ValueError: naming what differs.
        """
        for cause in fit.causes:
            if len(cause.baseline) != len(self.times_years):
                raise ValueError("a baseline hazard and the time grid differ in length")
            hazard = cause.log_hazard
            if isinstance(hazard, LinearHazard) and len(hazard.coefficients) != len(self.columns):
                raise ValueError("coefficients and columns differ in number")

    @property
    def log_hazards(self) -> tuple[LogHazard, ...]:
        """Every log hazard of the arm, refits included."""
        return tuple(cause.log_hazard for fit in (self.fit, *self.refits) for cause in fit.causes)

    def hazards(self, fits: Sequence[Fit], design: Floats, trees: Mapping[str, Trees]) -> FittedHazards:
        """The hazards of a design [n, p] by fits of the arm."""
        return FittedHazards.of(self.times_years, fits, design, trees)

    def as_json(self) -> dict[str, Any]:
        """The arm as its file holds it, numbers at 7 significant digits, those of columns at 12."""
        content = self.model_dump()
        columns = significant(content.pop("columns"), _COLUMN_DIGITS)
        result: dict[str, Any] = significant(content, _DIGITS)
        return result | {"columns": columns}
