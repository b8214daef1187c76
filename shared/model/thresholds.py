"""Risk groups and their limits: thresholds.json."""

from typing import Self

from pydantic import Field, PositiveFloat, model_validator

from shared.model.variable import Frozen


class Group(Frozen):
    """A risk group: everything under `below` that no earlier group took; None for the last."""

    name: str
    below: float | None = None


class GroupRule(Frozen):
    """How the risk at one horizon becomes a group, and where the limits came from, in words."""

    horizon_years: PositiveFloat
    groups: tuple[Group, ...] = Field(min_length=1)
    basis: str

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
