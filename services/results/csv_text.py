"""Rows as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE = 500


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The header and the rows, some hundreds at a time.

    A text that a spreadsheet would read as a formula gets an apostrophe in front, also an id that begins with a minus.
    """
    yield _text([columns])
    rest = iter(rows)
    while batch := list(islice(rest, _AT_ONCE)):
        yield _text(batch)


def _text(rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([list(map(_cell, row)) for row in rows])
    return file.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
