"""One fitted model of a bundle, as numbers in JSON: columns, coefficients, baseline hazards and refits."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from shared.model.column import Column
from shared.model.variable import Frozen


class LinearHazard(Frozen):
    """Log hazard ratio as a weighted sum of standardised columns."""

    kind: Literal["linear"] = "linear"
    coefficients: tuple[float, ...]


class TreesHazard(Frozen):
    """Log hazard ratio from a LightGBM model in text form: its raw score less `centre`, times `scale`."""

    kind: Literal["lightgbm"]
    file: str
    centre: float = 0.0
    scale: float = 1.0


class Cause(Frozen):
    """One cause-specific hazard: log hazard ratio against the average patient, and that patient's baseline."""

    log_hazard: Annotated[LinearHazard | TreesHazard, Field(discriminator="kind")]
    baseline: tuple[float, ...]
    """Cumulative hazard of the average patient at each time of the grid, never falling."""

    @model_validator(mode="after")
    def _never_falls(self) -> Self:
        if any(later < sooner for sooner, later in zip((0.0, *self.baseline), self.baseline, strict=False)):
            raise ValueError("a cumulative hazard falls")
        return self


class Fit(Frozen):
    """The event of interest and what competes with it."""

    event: Cause
    competing: tuple[Cause, ...] = ()

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The event of interest first."""
        return (self.event, *self.competing)


class Arm(Frozen):
    """A model for one pattern of what is known, with refits on resampled cohorts for its interval."""

    columns: tuple[Column, ...]
    times_years: tuple[PositiveFloat, ...]
    """Rising; the baselines' grid."""
    fit: Fit
    refits: tuple[Fit, ...] = ()
    level: float = Field(default=0.9, gt=0, lt=1)
    """Nominal coverage of the interval that the refits span."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if any(later <= sooner for sooner, later in zip(self.times_years, self.times_years[1:], strict=False)):
            raise ValueError("the time grid does not rise")
        for cause in (cause for fit in (self.fit, *self.refits) for cause in fit.causes):
            self._check(cause)
        return self

    def _check(self, cause: Cause) -> None:
        if len(cause.baseline) != len(self.times_years):
            raise ValueError("a baseline hazard and the time grid differ in length")
        hazard = cause.log_hazard
        if isinstance(hazard, LinearHazard) and len(hazard.coefficients) != len(self.columns):
            raise ValueError("coefficients and columns differ in number")

    @property
    def hazards(self) -> tuple[LinearHazard | TreesHazard, ...]:
        """Every log hazard of the arm, refits included."""
        return tuple(cause.log_hazard for fit in (self.fit, *self.refits) for cause in fit.causes)
