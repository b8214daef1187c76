"""Risk groups and their limits: thresholds.json."""

from typing import Self

from pydantic import Field, PositiveFloat, model_validator

from shared.model.variable import Frozen


class Group(Frozen):
    """A risk group: everything under `below` that no earlier group took; None for the last."""

    name: str
    below: float | None = None


class Proportion(Frozen):
    """A share of patients with its interval."""

    est: float = Field(ge=0, le=1)
    lo: float = Field(ge=0, le=1)
    hi: float = Field(ge=0, le=1)


class OperatingFigures(Frozen):
    """What the limit below the last group is worth in the training cohort, on patients left out of every step."""

    sensitivity: Proportion
    """Of those with the event by the horizon, the share at or above the limit."""
    specificity: Proportion
    """Of those without it, the share under the limit."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """Nominal coverage of the intervals."""


class WidthLimit(Frozen):
    """The width of an interval above which its risk is too uncertain to be read, and where it came from, in words."""

    width: float = Field(gt=0, le=1)
    basis: str


WIDEST = WidthLimit(width=0.5, basis="the limit of bundles that state none")


class GroupRule(Frozen):
    """How the risk at one horizon becomes a group, and where the limits came from, in words."""

    horizon_years: PositiveFloat
    groups: tuple[Group, ...] = Field(min_length=1)
    basis: str
    operating: OperatingFigures | None = None
    """None in bundles of older programs."""
    widest: WidthLimit = WIDEST

    @model_validator(mode="after")
    def _rises_to_the_open_end(self) -> Self:
        limits = [item.below for item in self.groups]
        closed = [limit for limit in limits if limit is not None]
        if limits[-1] is not None or len(closed) != len(limits) - 1 or sorted(set(closed)) != closed:
            raise ValueError("the limits of the groups must rise, and only the last group has none")
        return self

    def group_of(self, risk: float) -> str:
        """The group of a risk."""
        return next(item.name for item in self.groups if item.below is None or risk < item.below)

    def limits_within(self, lo: float, hi: float) -> list[float]:
        """The limits between groups that an interval reaches across."""
        return [item.below for item in self.groups if item.below is not None and lo < item.below <= hi]

    def explained(self, risk: float) -> str:
        """The rule applied to a risk, in words and numbers."""
        limits = [0.0, *(float(item.below) for item in self.groups if item.below is not None)]
        spans = [f"{item.name} {_span(low, item.below)}" for item, low in zip(self.groups, limits, strict=True)]
        return f"{self.horizon_years:g}-year risk {risk:.3f}: {', '.join(spans)}; {self.basis}"


class Thresholds(Frozen):
    """thresholds.json: the rule of each arm."""

    arms: dict[str, GroupRule] = Field(default_factory=dict)


def _span(low: float, below: float | None) -> str:
    if below is None:
        return f"from {low:.3g}"
    return f"{low:.3g} to {below:.3g}" if low else f"under {below:.3g}"
