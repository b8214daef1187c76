"""Maps columns and words of a table to those of a profile, as `--map columns.yaml` states them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self, TypeVar

import yaml
from pydantic import Field, PositiveFloat, ValidationError, model_validator

from services.trainer.yaml_problems import yaml_problems
from services.trainer.yaml_text import parse_yaml
from shared.bounded_file import read_bounded
from shared.errors import PermanentError
from shared.model.variable import Frozen, Word
from shared.model.written import converted, plain_number
from shared.words import normalised, printable, sentence, shown

_MOST_BYTES = 1_000_000
Entry = TypeVar("Entry")
"""A cell of a table, or a value of a record."""


class BadMapError(PermanentError):
    """A column map is not valid YAML, or has entries that are not allowed."""

    reason = "bad_request"
    advice = "A map has columns (theirs: ours), words (ours: {theirs: ours}), units, missing and ignore, all optional."


class ColumnMap(Frozen):
    """Their names to ours; what it does not name stays as it is."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Their column: ours; ours may be a column of another unit, such as an age in months."""
    words: dict[str, dict[Word, Word]] = Field(default_factory=dict)
    """Of each of our columns, their word: ours."""
    units: dict[str, PositiveFloat] = Field(default_factory=dict)
    """Their column: how many of its unit make one of ours."""
    missing: tuple[Word, ...] = ()
    """Their words for no value, in any column."""
    ignore: tuple[str, ...] = ()
    """Their columns that are left out."""

    @model_validator(mode="after")
    def _is_injective(self) -> Self:
        targets = Counter(self.columns.values())
        if twice := [ours for ours, count in targets.items() if count > 1]:
            raise ValueError(f"{shown(twice[0])} is the target of two columns")
        if both := set(self.columns).intersection(self.ignore):
            raise ValueError(f"{shown(both.pop())} is both mapped and ignored")
        return self

    def name(self, theirs: str) -> str | None:
        """Our name of their column; None where it is left out."""
        return None if theirs in self.ignore else self.columns.get(theirs, theirs)

    def check(self, theirs: Iterable[str], where: str) -> None:
        """Refuse a map that names columns which are not there.

        Raises:
            BadMapError: naming them.
        """
        absent = [name for name in (*self.columns, *self.units) if name not in set(theirs)]
        if absent:
            raise BadMapError(f"the map names columns that {where} does not have: {', '.join(map(shown, absent[:5]))}")

    def translate(self, entries: Mapping[str, Entry]) -> dict[str, Entry | str | float]:
        """A record or row with our names, words and units."""
        named = ((self.name(theirs), theirs, value) for theirs, value in entries.items())
        return {ours: self._value(ours, theirs, value) for ours, theirs, value in named if ours is not None}

    def changes(self, entries: Mapping[str, object]) -> list[str]:
        """What became of each entry that the map changes, in words."""
        lines = []
        for theirs, value in entries.items():
            ours = self.name(theirs)
            read = None if ours is None else self._value(ours, theirs, value)
            if ours is None:
                lines.append(f"{printable(theirs)} is ignored")
            elif (ours, read) != (theirs, value):
                lines.append(f"{printable(theirs)} {shown(value)} read as {ours} {shown(read)}")
        return lines

    def _value(self, ours: str, theirs: str, value: Entry) -> Entry | str | float:
        if not isinstance(value, str | int | float):
            return value
        key = normalised(str(value))
        if key in self._missing:
            return ""
        words = self._words.get(ours, {})
        return words[key] if key in words else self._in_our_unit(theirs, value)

    @cached_property
    def _missing(self) -> frozenset[str]:
        return frozenset(map(normalised, self.missing))

    @cached_property
    def _words(self) -> dict[str, dict[str, str]]:
        return {ours: {normalised(word): to for word, to in words.items()} for ours, words in self.words.items()}

    def _in_our_unit(self, theirs: str, value: Entry) -> Entry | float:
        number = plain_number(str(value)) if theirs in self.units else None
        in_ours = None if number is None else converted(number, self.units[theirs])
        return value if in_ours is None else in_ours


def load_map(path: Path) -> ColumnMap:
    """Read a map.

    Raises:
        BadMapError: it cannot be read, is no YAML or no map.
    """
    content = None
    try:
        content = parse_yaml(read_bounded(path, _MOST_BYTES, f"map {path}", BadMapError)) or {}
        return ColumnMap.model_validate(content)
    except OSError as error:
        raise BadMapError(f"map {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BadMapError(f"map {path} is no YAML: {next(iter(str(error).splitlines()), '')}") from error
    except ValidationError as error:
        raise BadMapError(f"map {path} is refused: {sentence(yaml_problems(error, content))}") from error
