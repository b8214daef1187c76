"""Values as they are written: scalars as text, numbers with a comma or a unit, and when two of them agree."""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from shared.decimals import too_small
from shared.model.variable import Value
from shared.words import normalised

_NUMBER = re.compile(r"([+-]?\d{1,30}(?:[.,]\d{1,30})?(?:e[+-]?\d{1,3})?) ?([^\d\s.,+-].*)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""One thousand and more, or a decimal with a comma: nobody can tell."""


def text_of(raw: Any) -> str | None:
    """A scalar as text, without the white space around it; None for a list or an object."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return str(raw).strip() if isinstance(raw, str | int | float) else None


def number_in(text: str, per_unit: float, units: Mapping[str, float]) -> float | None:
    """A number as text, with a decimal point or comma; without a unit beside it there are `per_unit` to one of ours."""
    match = _NUMBER.fullmatch(" ".join(unicodedata.normalize("NFKC", text).casefold().split()))
    if match is None or _THOUSANDS.fullmatch(match[1]):
        return None
    number, unit = plain_number(match[1].replace(",", ".")), match[2]
    share = units.get(normalised(unit)) if unit else per_unit
    return None if share is None or number is None else converted(number, share)


def plain_number(text: str) -> float | None:
    """A finite number as Python writes it; None of anything else, and of what is too small for a float."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and not too_small(text, number) else None


def converted(number: float, share: float) -> float | None:
    """A number in our unit, of which `share` of the written one make one; None where a float cannot hold it."""
    value = number / share
    return None if too_small(number, value) or not math.isfinite(value) else value


def agree(first: Value, second: Value) -> bool:
    """Whether two values are the same, numbers within 1 % or as whole units of one another."""
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    whole = (first.is_integer() or second.is_integer()) and math.floor(first) == math.floor(second)
    return whole or math.isclose(first, second, rel_tol=0.01)
