"""Refusals of many inputs on the terminal: those that differ in names and numbers alone are one line."""

import re
from collections.abc import Iterable

from services.standalone.advice import explain_here
from services.standalone.console import complain
from services.standalone.errors import located
from services.standalone.selection import Refused

_VARIABLE = re.compile(r"\"[^\"]*\"|'[^']*'|\S*[\d/\\]\S*|(?<=slide )\S+|(?<=case )\S+")
"""What sentences of one form differ in: quoted texts, numbers, paths, and names of slides and cases."""


def print_grouped(items: Iterable[Refused]) -> None:
    """A line on standard error about each form of refusal: how many there are, and the first of them."""
    groups: dict[tuple[str, str], list[Refused]] = {}
    for item in items:
        form = _VARIABLE.sub("#", str(item.error).replace(str(item.path), "#"))
        groups.setdefault((item.error.reason, form), []).append(item)
    for first, *others in groups.values():
        how_many = f"{len(others) + 1} left out for the same reason, such as" if others else "left out"
        complain(f"{how_many}: {explain_here(located(first.error, first.path))}")
