"""Reads `--slides slides.csv`, which assigns files to cases."""

import codecs
import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.standalone.errors import BadSlideTableError, UnreadableFileError
from shared.bounded_file import read_bounded
from shared.words import shown

NEEDED, ALLOWED = ("case_id", "path"), ("case_id", "path", "slide_id", "mpp")
_MAX_BYTES = 64_000_000
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row; texts are empty if the cell is empty or its column absent."""

    line: int
    """Line of the file, counted from 1."""
    case_id: str
    path: Path
    slide_id: str = ""
    mpp: float | None = None
    """Microns per pixel of this slide."""


def read_table(table: Path) -> list[TableRow | BadSlideTableError]:
    """Read a table of slides; a bad row is returned as an error.

    Comma, semicolon or tab, UTF-8, UTF-16 with its mark and Latin-1 are accepted; paths are relative to the table.

    Raises:
        BadSlideTableError: it is not a table, or has other columns.
        UnreadableFileError: the file cannot be read.
    """
    lines = _text(table).splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=_delimiter(lines[0] if lines else ""))
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadSlideTableError(f"{table} is no table: line {reader.line_num}, {error}") from None
    if len(rows) < 2:
        raise BadSlideTableError(f"{table} has no row below its header")
    header = _header(table, rows[0][1])
    return list(_rows(table, header, rows[1:]))


def _text(table: Path) -> str:
    try:
        data = read_bounded(table, _MAX_BYTES, str(table), BadSlideTableError)
    except OSError as error:
        raise UnreadableFileError(f"{table} cannot be read: {error.strerror}") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data or not data:
        raise BadSlideTableError(f"{table} is no table of text, or is empty")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _delimiter(first: str) -> str:
    return max(_DELIMITERS, key=first.count)


def _header(table: Path, cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    unknown = [name for name in names if name not in ALLOWED]
    missing = [name for name in NEEDED if name not in names]
    problems = [
        f"has no column {', '.join(missing)}" if missing else "",
        f"has the unknown column {', '.join(map(shown, unknown[:5]))}" if unknown else "",
        "names a column twice" if len(set(names)) < len(names) else "",
    ]
    if any(problems):
        raise BadSlideTableError(f"{table} " + " and ".join(filter(None, problems)))
    return names


def _rows(
    table: Path, header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]
) -> Iterator[TableRow | BadSlideTableError]:
    for line, cells in rows:
        try:
            yield _row(table, line, dict(zip(header, map(str.strip, cells), strict=False)), len(cells) - len(header))
        except BadSlideTableError as error:
            yield error


def _row(table: Path, line: int, cells: dict[str, str], surplus: int) -> TableRow:
    empty = [name for name in NEEDED if not cells.get(name)]
    if surplus > 0 or empty:
        fault = f"has no {', '.join(empty)}" if empty else "has more cells than the header"
        raise BadSlideTableError(f"line {line} of {table} {fault}")
    path = table.parent / cells["path"]
    mpp = _mpp(cells.get("mpp", ""), f"line {line} of {table}")
    return TableRow(line, cells["case_id"], path, cells.get("slide_id", ""), mpp)


def _mpp(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        mpp = float(text.replace(",", "."))
    except ValueError:
        mpp = math.nan
    if not 0 < mpp < math.inf:
        raise BadSlideTableError(f"mpp is {shown(text)} in {where}, allowed is a number above 0")
    return mpp
