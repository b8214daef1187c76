"""What a cohort's variables are: the one place that says what a clinical record may hold, as data of the bundle."""

from typing import Self

from pydantic import Field, model_validator

from shared.model.variable import Check, Frozen, Variable
from shared.model.vocabulary import check_vocabulary

__all__ = ["PATHOMICS", "Check", "Frozen", "Outcome", "Profile", "Variable"]

PATHOMICS = "pathomics"
"""Name of the variable that the slides give; no clinical record may hold it."""


class Outcome(Frozen):
    """The outcome columns of a cohort table; a clinical record may carry them, and they are never predictors."""

    time: str = "time_days"
    """Empty where only a yes or no is known."""
    event: str = "event_code"
    codes: dict[str, str] = Field(default_factory=dict)
    """Meaning of each code of `event`."""
    event_of_interest: int | str = 1


class Profile(Frozen):
    """The variables, the outcome and the horizons of a cohort."""

    name: str
    variables: tuple[Variable, ...]
    outcome: Outcome = Outcome()
    horizons_years: tuple[float, ...] = (3.0, 5.0)
    rule: str = ""
    """A rule baseline as a readable expression; empty where there is none."""
    missing: tuple[str, ...] = ()
    """Words that stand for no value, in any variable."""
    checks: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_vocabulary(self.variables, self.missing, self.checks)
        return self

    def variable(self, name: str) -> Variable | None:
        """The variable of that name, or None."""
        return next((variable for variable in self.variables if variable.name == name), None)
