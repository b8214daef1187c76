"""Reads values as people write them: levels, aliases, units and words for a missing value, as a profile states them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shared.model.rule import parse_rule
from shared.model.variable import Check, Value, Variable
from shared.model.written import agree, converted, number_in, plain_number, text_of
from shared.words import normalised, printable, shown

MISSING = "missing"
_SHOWN = 60
_LONGEST_WORD = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read as what."""

    variable: Variable
    written: str
    value: str
    """As it counts, with its unit; `missing` where it is no value."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that cannot be read, the column it stands in, and what is allowed there."""

    column: str
    written: Any
    allowed: str
    label: str
    """The variable as people read it."""


@dataclass(slots=True)
class Entries:
    """What a record or a row says."""

    values: dict[str, Value] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    unclear: list[Problem] = field(default_factory=list)
    """Values that count as missing since nothing explains them."""
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Column:
    variable: Variable
    per_unit: float
    words: Mapping[str, Mapping[str, Value]]
    """What a normalised word sets."""
    units: Mapping[str, float]


class Vocabulary:
    """The words, units and columns of a profile's variables."""

    def __init__(self, variables: Iterable[Variable], missing: Iterable[str]) -> None:
        self._variables = {variable.name: variable for variable in variables}
        self._missing = frozenset(map(normalised, missing))
        self._columns = dict(self._all_columns())

    @property
    def columns(self) -> tuple[str, ...]:
        """Names that a record or table may use for the variables, their own first."""
        return tuple(self._columns)

    @property
    def numbers(self) -> frozenset[str]:
        """Those of the columns that hold numbers."""
        return frozenset(name for name, column in self._columns.items() if not column.variable.levels)

    def read(self, entries: Mapping[str, Any]) -> Entries:
        """Read the entries that are variables, a variable's own column before those of its other units."""
        result, source = Entries(), dict[str, str]()
        for name, column in self._columns.items():
            if name in entries:
                self._read_column(result, source, name, column, entries[name])
        return result

    def is_missing(self, written: Any) -> bool:
        """Whether a value is none, in any column."""
        text = text_of(written)
        return written is None or text == "" or (text is not None and normalised(text) in self._missing)

    def explains(self, name: str, written: Any) -> bool:
        """Whether a value would be read in a column."""
        result = self.read({name: written})
        return not result.problems and not result.unclear

    def _all_columns(self) -> Iterator[tuple[str, _Column]]:
        columns = [(each, self._words(each), _unit_words(each)) for each in self._variables.values()]
        for variable, words, units in columns:
            yield variable.name, _Column(variable, 1.0, words, units)
        for variable, words, units in columns:
            for name, per_unit in variable.units.items():
                if "_" in name:
                    yield name, _Column(variable, per_unit, words, units)

    def _words(self, variable: Variable) -> dict[str, Mapping[str, Value]]:
        keys = [normalised(level) for level in variable.levels]
        words: dict[str, Mapping[str, Value]] = {
            key: {variable.name: level}
            for key, level in zip(keys, variable.levels, strict=True)
            if keys.count(key) == 1
        }
        return words | {
            normalised(alias): self._target(variable, alias, target) for alias, target in variable.aliases.items()
        }

    def _target(self, variable: Variable, alias: str, target: str | Mapping[str, str]) -> dict[str, Value]:
        named = {variable.name: target} if isinstance(target, str) else target
        return {name: self._value(f"alias {alias!r} of {variable.name}", name, text) for name, text in named.items()}

    def _value(self, where: str, name: str, text: str) -> Value:
        variable = self._variables.get(name)
        if variable is None:
            raise ValueError(f"{where} sets {name}, which is no variable")
        if variable.levels and text in variable.levels:
            return text
        number = plain_number(text) if not variable.levels else None
        if number is None or not variable.within(number):
            raise ValueError(f"{where} sets {name} to {text!r}, allowed is {variable.allowed()}")
        return number

    def _read_column(self, result: Entries, source: dict[str, str], name: str, column: _Column, raw: Any) -> None:
        variable, assigned = column.variable, self._understand(column, raw)
        problem = Problem(name, raw, variable.allowed(), variable.shown)
        if assigned is None:
            lenient = variable.unclear == MISSING and isinstance(raw, str | bool | int)
            (result.unclear if lenient else result.problems).append(problem)
            return
        for target, value in assigned.items():
            other = source.setdefault(target, name)
            if isinstance(value, float) and not self._variables[target].within(value):
                result.problems.append(problem)
            elif not agree(result.values.setdefault(target, value), value):
                allowed = f"what {other} says of {target}: {with_unit(self._variables[target], result.values[target])}"
                result.problems.append(Problem(name, raw, allowed, variable.shown))
        result.readings += self._readings(name, column, raw, assigned)

    def _understand(self, column: _Column, raw: Any) -> Mapping[str, Value] | None:
        """What a value sets: nothing where it is missing, None where nothing explains it."""
        variable = column.variable
        text = text_of(raw)
        if raw is None or text == "":
            return {}
        if text is None or len(text) > _LONGEST_WORD or (isinstance(raw, float) and not math.isfinite(raw)):
            return None
        if not variable.levels and isinstance(raw, int | float) and not isinstance(raw, bool):
            value = converted(float(raw), column.per_unit)
            return None if value is None else {variable.name: value}
        if text in variable.levels:
            return {variable.name: text}
        key = normalised(text)
        if key in column.words or key in self._missing:
            return column.words.get(key, {})
        number = None if variable.levels or isinstance(raw, bool) else number_in(text, column.per_unit, column.units)
        return None if number is None else {variable.name: number}

    def _readings(self, name: str, column: _Column, raw: Any, assigned: Mapping[str, Value]) -> Iterator[Reading]:
        text = text_of(raw)
        if not text or _is_plain(text, column, assigned):
            return
        written = printable(text[:_SHOWN]) + ("" if name == column.variable.name else f" ({name})")
        if not assigned:
            yield Reading(column.variable, written, MISSING)
        for target, value in assigned.items():
            variable = self._variables[target]
            yield Reading(variable, written, with_unit(variable, value))


def check_vocabulary(variables: Sequence[Variable], missing: Iterable[str], checks: Iterable[Check]) -> None:
    """Refuse aliases, units and checks that do not fit the variables.

    Raises:
        ValueError: naming the first that does not.
    """
    Vocabulary(variables, missing)
    units = [unit for variable in variables for unit in variable.units if "_" in unit]
    names = [*(variable.name for variable in variables), *units]
    for variable in variables:
        if variable.units and variable.levels:
            raise ValueError(f"{variable.name} has units, but is no number")
        taken = {normalised(level) for level in variable.levels}.intersection(map(normalised, variable.aliases))
        if taken:
            raise ValueError(f"alias {taken.pop()!r} of {variable.name} is one of its levels")
        if len(set(map(normalised, variable.aliases))) < len(variable.aliases):
            raise ValueError(f"two aliases of {variable.name} differ only in what readers pass over")
    if len(set(names)) < len(names):
        raise ValueError("variables and columns of other units must have names of their own")
    levels = {variable.name: variable.levels for variable in variables}
    for check in checks:
        parse_rule(check.when, levels)


def checks_met(checks: Iterable[Check], variables: Sequence[Variable], values: Mapping[str, Value]) -> list[str]:
    """Sentences of the checks that a case's values meet."""
    levels = {variable.name: variable.levels for variable in variables}

    def column(name: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
        value = values.get(name, math.nan)
        return np.array([levels[name].index(value) if isinstance(value, str) else value], np.float64)

    return [check.sentence for check in checks if parse_rule(check.when, levels)(column)[0]]


def _unit_words(variable: Variable) -> dict[str, float]:
    own = {normalised(variable.unit): 1.0} if variable.unit else {}
    return own | {normalised(unit): per_unit for unit, per_unit in variable.units.items()}


def _is_plain(text: str, column: _Column, assigned: Mapping[str, Value]) -> bool:
    """Whether the value stands there as it was written, but for case and blanks."""
    if list(assigned) != [column.variable.name]:
        return False
    value = assigned[column.variable.name]
    return plain_number(text) == value if isinstance(value, float) else normalised(text) == normalised(value)


def with_unit(variable: Variable, value: Value) -> str:
    """A value as people read it."""
    if isinstance(value, str):
        return value
    return f"{value:.4g} {variable.unit}".strip()


def describe(problem: Problem) -> str:
    """A problem in words."""
    return f"{printable(problem.column)} is {shown(problem.written)}, allowed is {problem.allowed}"
