"""The allowed names, values, words and units of a clinical record, as `medulla bundle show` prints them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from shared import pseudonyms
from shared.model.profile import Profile
from shared.model.variable import Variable
from shared.words import printable

_WORDS, _MISSING_WORDS = 3, 12
"""Words that are printed for one value, and for no value."""


def record_lines(profile: Profile) -> list[str]:
    """Each name that a record may hold with its block and allowed values, and below it other words and units."""
    rows = {variable.name: list(_variable(variable)) for variable in profile.variables}
    outcome = profile.outcome
    codes = ", ".join(f"{code} {meaning}" for code, meaning in outcome.codes.items())
    rows |= {outcome.time: ["a number above 0 (outcome)"], outcome.event: [f"{codes} (outcome)"]}
    rows |= {name: [pseudonyms.PSEUDONYM] for name in ("case_id", "site_id")} | {"simulated": ["true or false"]}
    rows["missing values"] = [_first(["empty", *dict.fromkeys(("null", *profile.missing))], _MISSING_WORDS)]
    width = max(map(len, rows))
    return [
        f"  {label:{width}}  {printable(text)}"
        for name, texts in rows.items()
        if name
        for label, text in zip((name, *[""] * len(texts)), texts, strict=False)
    ]


def _variable(variable: Variable) -> Iterator[str]:
    yield f"{variable.allowed()} ({variable.block})"
    yield from _grouped({word: f"{_value(value)}:" for word, value in variable.aliases.items()})
    unit = f"1 {variable.unit}".rstrip()
    yield from _grouped({name: f"{unit} is {per_unit:g}" for name, per_unit in variable.units.items()})


def _value(value: str | Mapping[str, str]) -> str:
    """The value of a word: a level, several variables, or none."""
    if isinstance(value, str):
        return value
    return " and ".join(f"{name} {level}" for name, level in value.items()) or "missing"


def _grouped(words: Mapping[str, str]) -> Iterator[str]:
    """A line for each value: the value, and some words for it."""
    by_value = defaultdict[str, list[str]](list)
    for word, value in words.items():
        by_value[value].append(word)
    return (f"  {value} {_first(group, _WORDS)}" for value, group in by_value.items())


def _first(words: Sequence[str], most: int) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return " | ".join(words[:most]) + more
