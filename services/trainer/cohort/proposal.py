"""Proposes a column map for a table with unknown names; it is never applied automatically."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import yaml

from shared.model.vocabulary import Vocabulary
from shared.words import normalised

_LIKELY = 0.6
_SAMPLE = 200
"""Rows whose values are looked at."""
_BY_VALUES = 0.9
"""Share of the values that a variable has to explain for its name not to matter."""
_MOST_NAMES, _LONGEST_NAME = 300, 120
"""Columns in a map at most, and characters of the name of one."""
_OTHER_NAMES = {
    **dict.fromkeys(("status", "outcome", "vital status", "ereignis"), "event"),
    **dict.fromkeys(("follow up", "survival", "nachbeobachtung"), "time"),
    **dict.fromkeys(("gender", "geschlecht"), "sex"),
    "alter": "age",
    "histologie": "histology",
}
"""Names of whole columns, in English and German, that share no word with ours."""
_TIMES = {"rfs", "pfs", "efs", "dfs", "ttp", "os"}
"""Abbreviations of times to an event, as cBioPortal and trials write them."""
_SURVIVAL = 0.01
"""By how much a column of overall survival is less likely: death is not the event of most questions."""
_DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
_STATUS = re.compile(r"([0-9]):\S.*")
"""A status of cBioPortal, such as `1:Recurred`."""
_DEATH = re.compile("deceased|dead|died", re.IGNORECASE)
_UNITS = {"days", "weeks", "months", "years"}
"""Words that alone identify no column; columns of different units are never the same."""
_SEPARATORS = re.compile(r"[\W_]+")
_AT_LEAST = 0.5
"""Share of the values that a variable has to explain."""


def propose(theirs: Sequence[str], rows: Sequence[Mapping[str, Any]], ours: Sequence[str], words: Vocabulary) -> str:
    """YAML of a map: each of their columns to the likest of ours, by its name or by the words in it, or ignored.

    A time of another unit gets its factor, and the statuses of cBioPortal their codes.
    """
    listed = [name for name in theirs if len(name) <= _LONGEST_NAME][:_MOST_NAMES]
    columns: dict[str, str] = {}
    for _, place, name in sorted(_pairs(listed, rows, ours, words)):
        if name not in columns and ours[place] not in columns.values():
            columns[name] = ours[place]
    proposal = {
        "columns": {name: columns[name] for name in listed if name in columns},
        "units": {name: unit for name, target in columns.items() if (unit := _factor(name, target, words))},
        "words": {target: codes for name, target in columns.items() if (codes := _codes(name, target, rows, words))},
        "ignore": [name for name in listed if name not in columns],
    }
    proposal = {key: value for key, value in proposal.items() if value}
    more = f"# {len(theirs) - len(listed)} more columns are not listed here\n" if len(listed) < len(theirs) else ""
    return f"{yaml.safe_dump(proposal, sort_keys=False, allow_unicode=True)}{more}"


def _pairs(
    theirs: Sequence[str], rows: Sequence[Mapping[str, Any]], ours: Sequence[str], words: Vocabulary
) -> Iterator[tuple[float, int, str]]:
    """What fits, the best with the smallest number."""
    for name in theirs:
        values = {str(row[name]) for row in rows[:_SAMPLE] if row.get(name)}
        for place, target in enumerate(ours):
            likeness = _likeness(name, target)
            if target in words.columns:
                share = _share(values, target, words)
                bare = all(_is_number(value) for value in values)
                likeness = 0.0 if share < _AT_LEAST else likeness + (share >= _BY_VALUES and not bare)
            if likeness >= _LIKELY:
                yield -likeness, place, name


def _likeness(theirs: str, ours: str) -> float:
    """How alike two names are, from 0 to 1; names that share words are likely, the more of them the likelier."""
    name = _SEPARATORS.sub(" ", theirs.casefold()).strip()
    first, second = set(_OTHER_NAMES.get(name, name).split()), set(ours.split("_"))
    first |= {"event" if "status" in first else "time"} if first & _TIMES else set()
    units = first & _UNITS, second & _UNITS
    if all(units) and not units[0] & units[1] and "time" not in second:
        return 0.0
    shared = first & second
    if shared - _UNITS:
        return 0.7 + 0.3 * len(shared) / len(first | second) - _SURVIVAL * ("os" in first)
    return SequenceMatcher(None, normalised(theirs), normalised(ours)).ratio()


def _words_of(name: str) -> set[str]:
    return set(_SEPARATORS.sub(" ", name.casefold()).split())


def _factor(theirs: str, ours: str, words: Vocabulary) -> float | None:
    """How many of the unit of their time make one of ours; None where both are alike or not stated."""
    units = [sorted(_words_of(name) & set(_DAYS)) for name in (theirs, ours)]
    if ours in words.columns or not all(units) or units[0] == units[1]:
        return None
    return float(f"{_DAYS[units[1][0]] / _DAYS[units[0][0]]:.6g}")


def _codes(theirs: str, ours: str, rows: Sequence[Mapping[str, Any]], words: Vocabulary) -> dict[str, int]:
    """The code of each status of the form `1:Recurred`, if all have it; a death may be no event of the profile."""
    values = {str(row[theirs]) for row in rows if row.get(theirs)}
    if ours in words.columns or not all(map(_STATUS.fullmatch, values)) or any(map(_DEATH.search, values)):
        return {}
    return {value: int(value[0]) for value in sorted(values)}


def _share(values: set[str], target: str, words: Vocabulary) -> float:
    """Share of the values that a variable explains."""
    return sum(words.explains(target, value) for value in values) / len(values) if values else 0.0


def _is_number(value: str) -> bool:
    """Whether a value is a bare number; many variables explain those, so they identify none."""
    return value.replace(".", "", 1).lstrip("+-").isdigit()
