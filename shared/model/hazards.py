"""Cause-specific hazards: log hazard ratios of cases, and the average patient's cumulative baseline hazards."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from shared.arrays import Floats
from shared.model.variable import Frozen
from shared.model.vector import Vector

Trees: TypeAlias = Callable[[Floats], Floats]
"""Design [n, p] to contributions [n, p + 1], the last one the constant; a row sums to the model's raw score."""


class LinearHazard(Frozen):
    """Log hazard ratio as a weighted sum of standardised columns."""

    kind: Literal["linear"] = "linear"
    coefficients: Vector
    """[p]."""


class TreesHazard(Frozen):
    """Log hazard ratio from a LightGBM model in text form: its raw score less `centre`, times `scale`."""

    kind: Literal["lightgbm"] = "lightgbm"
    file: str
    centre: float = 0.0
    scale: float = 1.0


LogHazard: TypeAlias = LinearHazard | TreesHazard


class Cause(Frozen):
    """One cause-specific hazard: log hazard ratio against the average patient, and that patient's baseline."""

    log_hazard: Annotated[LogHazard, Field(discriminator="kind")]
    baseline: Vector
    """[m], cumulative hazard of the average patient at each time of the grid, never falling."""

    @model_validator(mode="after")
    def _never_falls(self) -> Self:
        if np.any(np.diff(self.baseline, prepend=0.0) < 0):
            raise ValueError("a cumulative hazard falls")
        return self

    @property
    def coefficients(self) -> Floats:
        """Weights [p] of a linear hazard.

        Raises:
            TypeError: the hazard is not linear.
        """
        if not isinstance(self.log_hazard, LinearHazard):
            raise TypeError(f"a hazard of kind {self.log_hazard.kind} has no coefficients")
        return self.log_hazard.coefficients


class Fit(Frozen):
    """The event of interest and what competes with it."""

    event: Cause
    competing: tuple[Cause, ...] = ()

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The event of interest first."""
        return (self.event, *self.competing)


def linear_cause(coefficients: Floats, baseline: Floats) -> Cause:
    """A cause whose log hazard is linear; a baseline that falls by rounding is levelled."""
    return Cause(log_hazard=LinearHazard(coefficients=coefficients), baseline=np.maximum.accumulate(baseline))


def contributions(hazard: LogHazard, design: Floats, trees: Mapping[str, Trees]) -> Floats:
    """Share of each column [n, p] in the log hazard ratio against the average patient; a row sums to the log hazard.

    A linear model gives coefficient times standardised column. LightGBM gives Shapley values (Lundberg et al., Nature
    Machine Intelligence 2020;2:56); what its constant and centre leave over is spread evenly.
    """
    if isinstance(hazard, LinearHazard):
        return np.asarray(hazard.coefficients * design, np.float64)
    shares = trees[hazard.file](design)
    rest = (shares[:, -1:] - hazard.centre) / max(1, design.shape[1])
    return np.asarray(hazard.scale * (shares[:, :-1] + rest), np.float64)


def log_hazards(hazard: LogHazard, design: Floats, trees: Mapping[str, Trees]) -> Floats:
    """Log hazard ratio [n] of the cases of a design [n, p]."""
    if isinstance(hazard, LinearHazard):
        return np.asarray(design @ hazard.coefficients, np.float64)
    return np.asarray(contributions(hazard, design, trees).sum(axis=1), np.float64)
