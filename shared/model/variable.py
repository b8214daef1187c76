"""A variable of a profile: what its values may be, and what people write for them."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, model_validator

Value: TypeAlias = float | str
"""A number, or one of a variable's levels."""
KNOWN_TREATMENT = "`treatment: true, known_at_prediction: true`"
"""How a profile declares a treatment that is known at the time of prediction."""
UNKNOWN_TREATMENT = f"it is not known at the time of prediction; if it is, declare {KNOWN_TREATMENT}"


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
    """One variable known at the time of prediction, and how models use it."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    kind: Literal["numeric", "ordinal", "binary", "categorical"]
    block: str
    """Name of a block: variables that are known or missing together."""
    label: str = ""
    """What people call it; empty where its name will do."""
    levels: tuple[Word, ...] = ()
    """Allowed words, in order for an ordinal variable; empty for a numeric one."""
    unit: str = ""
    """Of a numeric variable, such as `years`."""
    low: float | None = None
    """The lowest number that is allowed."""
    high: float | None = None
    """The highest number that is allowed."""
    aliases: dict[Word, Word | dict[str, Word]] = Field(default_factory=dict)
    """Other words for a value; one may set several variables, or none (`{}`: missing)."""
    units: dict[str, PositiveFloat] = Field(default_factory=dict)
    """Other units and columns of a numeric variable: how many of them make one of `unit`."""
    unclear: Literal["refuse", "missing"] = "refuse"
    """Whether a value that nothing explains refuses the record, or counts as missing with a remark."""
    cuts: tuple[float | str, ...] = ()
    """Extra columns of a model: 1 under a number, or 1 from a level on."""
    treatment: bool = False
    """Whether it is a treatment; see `known_at_prediction`."""
    known_at_prediction: bool = False
    """A treatment is refused as a predictor unless this is true."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kind == "numeric") == bool(self.levels):
            raise ValueError(f"{self.name}: a numeric variable has no levels, and every other one has")
        if len(set(self.levels)) < len(self.levels) or (self.kind == "binary" and len(self.levels) != 2):
            raise ValueError(f"{self.name}: levels must differ, and a binary variable has two")
        if any(
            isinstance(cut, str) != bool(self.levels) or (self.levels and cut not in self.levels) for cut in self.cuts
        ):
            raise ValueError(f"{self.name}: a cut is a number of a numeric variable or a level of an ordinal one")
        if self.treatment and not self.known_at_prediction:
            raise ValueError(f"{self.name} is a treatment: {UNKNOWN_TREATMENT}")
        return self

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
