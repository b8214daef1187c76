"""Reads rows of cells from the bytes of a table, each with its line in the file."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from services.trainer.cohort.spreadsheet import ARCHIVE, sheet_rows
from services.trainer.errors import MissingTableError, UnreadableTableError
from shared.bounded_file import read_bounded

_LARGEST_CELL = 1 << 20
_MOST_BYTES = 200_000_000
_MOST_CELLS = 10_000_000
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DESCRIPTION, _TYPES = 4, {"STRING", "NUMBER", "BOOLEAN"}
"""Lines above the header of a clinical table of cBioPortal, and the words of the third of them."""
_OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Row:
    """Cells without the white space around them; `line` is where the row ends in the file, from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table, header first, without empty rows; `notes` state how an unusual format was read."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False
    """Written where a comma separates decimals, and so a semicolon cells."""


def read_bytes(path: Path, name: str) -> bytes:
    """The bytes of a table's file; `name` says in errors what it is.

    Raises:
        MissingTableError: it is not there, or may not be read.
        UnreadableTableError: it is too large.
    """
    try:
        return read_bounded(path, _MOST_BYTES, name, UnreadableTableError)
    except OSError as error:
        raise MissingTableError(f"{name} cannot be read: {error.strerror}") from error


def read_rows(data: bytes, name: str) -> Rows:
    """The rows of the first sheet of an .xlsx file, or of text separated by commas, semicolons, tabs or bars.

    Text is in UTF-8 or UTF-16, else in Windows-1252, which holds Latin-1.

    Raises:
        UnreadableTableError: none of these, a quote that is never closed, too many cells, or nothing in it.
    """
    if data.startswith(_OLD_SPREADSHEET):
        raise UnreadableTableError(f"{name} is a spreadsheet of an old kind")
    if data.startswith(ARCHIVE):
        return _sheet(data, name)
    text, encoding = _text(data, name)
    csv.field_size_limit(_LARGEST_CELL)
    table, described = _without_description(text)
    try:
        separator = _separator(table)
        rows = _filled(_lines(table, separator, described), name)
    except csv.Error as error:
        raise UnreadableTableError(f"{name} is no table of separated text: {error}") from error
    notes = [f"cells are separated by {_SEPARATORS[separator]}"] if separator != "," else []
    notes += [f"text is read as {encoding}"] if encoding else []
    return Rows(rows, (*notes, *_described(described)), separator == ";")


def _sheet(data: bytes, name: str) -> Rows:
    """The rows of a sheet below its description, if it has one."""
    rows = _padded(_filled(enumerate(sheet_rows(data, name), start=1), name))
    above = rows[:_DESCRIPTION]
    types = {cell.removeprefix("#") for row in above[2:3] for cell in row.cells if cell}
    is_described = len(rows) > _DESCRIPTION and all(row.cells[0].startswith("#") for row in above) and types <= _TYPES
    described = _DESCRIPTION if is_described else 0
    return Rows(rows[described:], _described(described))


def _described(lines: int) -> tuple[str, ...]:
    """The note on that many lines of description."""
    return (f"the first {lines} lines describe the columns, as cBioPortal writes them",) if lines else ()


def _text(data: bytes, name: str) -> tuple[str, str]:
    """The text, and its encoding where it is not UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), "UTF-16"
    if (zero := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise UnreadableTableError(f"{name} is no table of text: line {line} holds a zero byte")
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        return data.decode("cp1252"), f"Windows-1252, since line {line} is not UTF-8"
    except UnicodeDecodeError:
        problem = f"{name} is written neither in UTF-8 nor in Windows-1252: line {line} holds other bytes"
        raise UnreadableTableError(problem) from None


def _separator(text: str) -> str:
    """The separator that cuts the first line that is not empty into the most cells."""
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "").rstrip("\r\n")
    return max(_SEPARATORS, key=lambda separator: len(next(csv.reader([first], delimiter=separator))))


def _without_description(text: str) -> tuple[str, int]:
    """The text below the four lines with which cBioPortal describes columns, the third by types; and their number."""
    lines = text.split("\n", _DESCRIPTION)
    if len(lines) <= _DESCRIPTION or not all(line.startswith("#") for line in lines[:_DESCRIPTION]):
        return text, 0
    types = {cell.strip() for cell in lines[2].removeprefix("#").split("\t")}
    return (lines[_DESCRIPTION], _DESCRIPTION) if types <= _TYPES else (text, 0)


def _lines(text: str, separator: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Cells of each line, and its number in the file, in which `before` lines precede the text."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    for cells in reader:
        yield before + reader.line_num, cells


def _filled(lines: Iterator[tuple[int, list[str]]], name: str) -> tuple[Row, ...]:
    rows, cells = [], 0
    for line, row in lines:
        stripped = tuple(cell.strip() for cell in row)
        if any(stripped):
            rows.append(Row(line, stripped))
            cells += len(stripped)
        if cells > _MOST_CELLS:
            raise UnreadableTableError(f"{name} has more than {_MOST_CELLS} cells")
    if not rows:
        raise UnreadableTableError(f"{name} is empty")
    return _without_empty_ends(rows)


def _without_empty_ends(rows: list[Row]) -> tuple[Row, ...]:
    """Rows without the empty trailing columns that spreadsheets add."""
    width = max(i for row in rows for i, cell in enumerate(row.cells, start=1) if cell)
    return tuple(replace(row, cells=row.cells[:width]) if len(row.cells) > width else row for row in rows)


def _padded(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Rows of a sheet, in which cells at the end of a row may be left out, all as long as the longest."""
    width = max(len(row.cells) for row in rows)
    return tuple(replace(row, cells=row.cells + ("",) * (width - len(row.cells))) for row in rows)
