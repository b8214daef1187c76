"""A variable of a profile: what its values may be, and what people write for them."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat

Value: TypeAlias = float | str
"""A number, or one of a variable's levels."""


class Frozen(BaseModel):
    """A part of a profile or bundle: immutable, and nothing in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _word(value: object) -> object:
    """A code or level as text, also where it was written without quotes.

    Raises:
        ValueError: it is one of the words that YAML reads as true or false.
    """
    if isinstance(value, bool):
        raise ValueError("yes, no, true and false stand in quotes here, or YAML takes them for something else")
    return str(value) if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_word)]


class Variable(Frozen):
    """One variable known at the time of prediction."""

    name: str
    kind: Literal["numeric", "ordinal", "binary", "categorical"]
    block: str
    """Variables that are known or missing together: clinical, molecular, pathomic."""
    label: str = ""
    """What people call it; empty where its name will do."""
    levels: tuple[Word, ...] = ()
    """Allowed words, in order for an ordinal variable; empty for a numeric one."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    aliases: dict[Word, Word | dict[str, Word]] = Field(default_factory=dict)
    """Other words for a value; one may set several variables, or none (`{}`: missing)."""
    units: dict[str, PositiveFloat] = Field(default_factory=dict)
    """Other units and columns of a numeric variable: how many of them make one of `unit`."""
    unclear: Literal["refuse", "missing"] = "refuse"
    """Whether a value that nothing explains refuses the record, or counts as missing with a remark."""

    @property
    def shown(self) -> str:
        """The label, or the name in words without the unit, which stands beside it."""
        words = self.name.replace("_", " ").removesuffix(f" {self.unit}").removesuffix(" in")
        return self.label or words

    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.levels:
            return "one of " + ", ".join(self.levels)
        unit = f" {self.unit}" if self.unit else ""
        if self.low is None or self.high is None:
            bounds = [("at least", self.low), ("at most", self.high)]
            return "a number" + "".join(f" of {word} {bound:g}{unit}" for word, bound in bounds if bound is not None)
        return f"a number from {self.low:g} to {self.high:g}{unit}"

    def within(self, number: float) -> bool:
        """Whether a number lies within the range."""
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)


class Check(Frozen):
    """A combination of values that people should look at twice."""

    when: str = Field(min_length=1)
    """An expression about the profile's variables."""
    sentence: str = Field(min_length=1, max_length=300)
    """What a case that meets it is remarked with."""
