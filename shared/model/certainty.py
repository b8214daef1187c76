"""How far the interval of a risk lets it be read."""

from dataclasses import dataclass
from typing import Literal

from shared.model.thresholds import WIDEST, GroupRule
from shared.words import listed

State = Literal["clear", "crosses_threshold", "too_uncertain"]


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval [lo, hi] of a risk at a horizon, with its nominal coverage."""

    horizon_years: float
    lo: float
    hi: float
    level: float

    @property
    def words(self) -> str:
        """The interval in words and percent."""
        span = f"{_percent(self.lo)} to {_percent(self.hi)}"
        return f"the {self.level:.0%} interval of the {self.horizon_years:g}-year risk, {span},"


@dataclass(frozen=True, slots=True)
class Certainty:
    """A state, and the rule that set it in words and numbers."""

    state: State
    rule: str
    width: float
    limit: float


def certainty_of(rule: GroupRule | None, interval: Interval) -> Certainty:
    """Whether an interval lets its risk be read: not one that is wider than the limit, nor one of several groups.

    Without a rule for the model there are no groups to reach across.
    """
    widest, width = rule.widest if rule else WIDEST, interval.hi - interval.lo
    wide = f"{100 * width:.3g} percentage points wide"
    limit = f"the limit is {100 * widest.width:.3g} ({widest.basis})"
    if width > widest.width:
        text = f"{interval.words} is {wide}, and {limit}: no risk group is given"
        return Certainty("too_uncertain", text, width, widest.width)
    crossed = rule.limits_within(interval.lo, interval.hi) if rule else []
    if crossed:
        across = listed(list(map(_percent, crossed)))
        text = f"{interval.words} reaches across {across}, the limit between risk groups: no risk group is given"
        return Certainty("crosses_threshold", text, width, widest.width)
    within = "lies within one risk group" if rule else "has no risk groups beside it"
    return Certainty("clear", f"{interval.words} {within} and is {wide}; {limit}", width, widest.width)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
