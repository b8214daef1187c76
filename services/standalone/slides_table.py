"""Reads `--slides slides.csv`, which assigns files to cases."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.standalone.errors import BadSlideTableError, UnreadableFileError
from services.trainer.cohort.rows import Row, read_bytes, read_rows
from services.trainer.errors import MissingTableError, UnreadableTableError
from shared.words import shown

NEEDED, ALLOWED = ("case_id", "path"), ("case_id", "path", "slide_id", "mpp")
_OF_TRIDENT = "wsi"
_OF_TOOLS = {_OF_TRIDENT: "path", "PATIENT": "case_id", "FILENAME": "path"}
"""Columns of TRIDENT's list of slides and of STAMP's slide table."""
_CASELESS = "is a list of TRIDENT, which names no cases: add case_id, or for `medulla import` say it with --case-from"
CaseOf = Callable[[str], str | None]
"""The case that the name of a slide states, without its suffix; None where it states none."""


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


def read_table(table: Path, case_of: CaseOf | None = None) -> list[TableRow | BadSlideTableError]:
    """Read a table of slides, separated text or .xlsx, as cohort tables are read; a bad row is returned as an error.

    Paths are relative to the table. TRIDENT's list and STAMP's slide table are read as they are; with `case_of` the
    table needs no column case_id, which TRIDENT's has not.

    Raises:
        BadSlideTableError: it is not a table, or has other columns.
        UnreadableFileError: the file cannot be read.
    """
    try:
        header, *rows = read_rows(read_bytes(table, str(table)), str(table)).rows
    except MissingTableError as error:
        raise UnreadableFileError(str(error)) from None
    except UnreadableTableError as error:
        raise BadSlideTableError(str(error)) from None
    if not rows:
        raise BadSlideTableError(f"{table} has no row below its header")
    return list(_rows(table, _header(table, header.cells, case_of), rows, case_of))


def _header(table: Path, cells: Sequence[str], case_of: CaseOf | None) -> list[str]:
    names = [_OF_TOOLS.get(name, name) for name in cells]
    unknown = [name for name in names if name not in ALLOWED]
    missing = [name for name in NEEDED if name not in names and not (case_of and name == "case_id")]
    problems = [
        f"has no column {', '.join(missing)}" if missing else "",
        f"has the unknown column {', '.join(map(shown, unknown[:5]))}" if unknown else "",
        "names a column twice" if len(set(names)) < len(names) else "",
        _CASELESS if _OF_TRIDENT in cells and "case_id" in missing else "",
    ]
    if any(problems):
        raise BadSlideTableError(f"{table} " + " and ".join(filter(None, problems)))
    return names


def _rows(
    table: Path, header: Sequence[str], rows: Sequence[Row], case_of: CaseOf | None
) -> Iterator[TableRow | BadSlideTableError]:
    for row in rows:
        cells = dict(zip(header, row.cells, strict=False))
        if case_of and "case_id" not in cells:
            cells["case_id"] = case_of(Path(cells.get("path", "")).stem) or ""
        try:
            yield _row(table, row.line, cells, len(row.cells) - len(header))
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
