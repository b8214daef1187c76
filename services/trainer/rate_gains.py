"""What was shown of a model's sensitivity and specificity against others, and what was not, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from services.trainer.metrics.bootstrap import Contrast

SHOWN_BELOW = 0.05
"""A p-value, after Holm, from which a gain counts as shown."""


@dataclass(frozen=True, slots=True)
class RateGain:
    """One rate of a model less that of another at a horizon, where the other rate is held."""

    against: str
    """The other model, as a sentence calls it."""
    rate: str
    at: str
    """What is held, such as `a specificity of 0.80`."""
    gain: Contrast
    p_holm: float | None


def held_at(rate: str, level: float | None, *, is_own: bool) -> str:
    """What is held, such as `a specificity of 0.80`, or the other model's own rate; None where it is unknown."""
    return f"{'its own' if is_own else 'a'} {rate}" + ("" if level is None else f" of {level:.2f}")


def fails_holm(p_holm: float | None) -> bool:
    """Whether the p-value does not hold once the number of comparisons is considered."""
    return p_holm is not None and p_holm > SHOWN_BELOW


def rates_sentence(model: str, years: float, gains: Sequence[RateGain]) -> str:
    """All of `gains`, those against one model together; empty without any."""
    if not gains:
        return ""
    against = [
        f"against {other} {', '.join(map(_clause, own))}" for other, own in groupby(gains, lambda gain: gain.against)
    ]
    return f"{model[:1].upper()}{model[1:]} at {years:g} years: {'; '.join(against)}."


def _clause(compared: RateGain) -> str:
    gain, what = compared.gain, f"{compared.rate} at {compared.at}"
    if gain.est is None:
        return f"a higher {what} cannot be estimated"
    if gain.lo is None or gain.hi is None:
        return f"a higher {what} was not shown ({_signed(gain.est)}, too few events for an interval)"
    figures = f"{_signed(gain.est)}, {_signed(gain.lo)} to {_signed(gain.hi)}"
    if gain.hi < 0:
        return f"a lower {what} was shown ({figures})"
    if gain.lo > 0 and not fails_holm(compared.p_holm):
        return f"a higher {what} was shown ({figures})"
    p = f"; p by Holm {compared.p_holm:.2f}" if gain.lo > 0 and compared.p_holm is not None else ""
    return f"a higher {what} was not shown ({figures}{p})"


def _signed(value: float) -> str:
    return f"{value:z.2f}".replace("-", "\N{MINUS SIGN}")
