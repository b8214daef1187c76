"""Rows of cells from the bytes of a table, each with its line in the file; what is no such table is said in words."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from services.trainer.errors import UnreadableTableError

_LARGEST_CELL = 1 << 20
_OTHERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_KNOWN = (
    (b"PK\x03\x04", "is a spreadsheet or an archive"),
    (b"\xd0\xcf\x11\xe0", "is a spreadsheet of an old kind"),
    (codecs.BOM_UTF16_LE, "is written in UTF-16"),
    (codecs.BOM_UTF16_BE, "is written in UTF-16"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Cells without the white space around them; `line` is where the row ends in the file, from 1."""

    line: int
    cells: tuple[str, ...]


def read_rows(data: bytes, name: str) -> tuple[Row, ...]:
    """The rows of comma-separated text in UTF-8, with or without a byte order mark; empty rows are left out.

    Raises:
        UnreadableTableError: another encoding, another separator, a quote that is never closed, or nothing in it.
    """
    for start, said in _KNOWN:
        if data.startswith(start):
            raise UnreadableTableError(f"{name} {said}")
    try:
        rows = tuple(_rows(data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableTableError(f"{name} is not written in UTF-8: line {line} holds other bytes") from error
    except csv.Error as error:
        raise UnreadableTableError(f"{name} is no table of comma-separated text: {error}") from error
    if not rows:
        raise UnreadableTableError(f"{name} is empty")
    _check_separator(rows[0], name)
    return rows


def _rows(text: str) -> Iterator[Row]:
    csv.field_size_limit(_LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for cells in reader:
        stripped = tuple(cell.strip() for cell in cells)
        if any(stripped):
            yield Row(reader.line_num, stripped)


def _check_separator(header: Row, name: str) -> None:
    for other, said in _OTHERS.items():
        if len(header.cells) == 1 and other in header.cells[0]:
            raise UnreadableTableError(f"the columns of {name} are separated by {said}, not by commas")
