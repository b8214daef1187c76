"""What a cohort's variables are: the one place that says what a clinical record may hold, as data of the bundle."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PATHOMICS = "pathomics"
"""Name of the variable that the slides give; no clinical record may hold it."""


class Frozen(BaseModel):
    """A part of a bundle: immutable, and nothing in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Variable(Frozen):
    """One variable of the profile, known at the time of prediction."""

    name: str
    kind: Literal["numeric", "ordinal", "binary", "categorical"]
    block: str
    """Variables that are known or missing together: clinical, molecular, pathomic."""
    label: str = ""
    """What people call it; empty where its name will do."""
    levels: tuple[str, ...] = ()
    """Allowed words, in order for an ordinal variable; empty for a numeric one."""
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.levels:
            return "one of " + ", ".join(self.levels)
        unit = f" {self.unit}" if self.unit else ""
        if self.low is None or self.high is None:
            bounds = [("at least", self.low), ("at most", self.high)]
            return "a number" + "".join(f" of {word} {bound:g}{unit}" for word, bound in bounds if bound is not None)
        return f"a number from {self.low:g} to {self.high:g}{unit}"


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

    def variable(self, name: str) -> Variable | None:
        """The variable of that name, or None."""
        return next((variable for variable in self.variables if variable.name == name), None)
