"""Reads a table of vectors: case_id and numeric columns; one error lists every problem."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.cohort.decimal_commas import with_points
from services.trainer.cohort.rows import Row, Rows, read_bytes, read_rows
from services.trainer.errors import BadVectorTableError, UnreadableTableError
from shared.arrays import Floats
from shared.canonical import sha256
from shared.model.vector_model import MOST_COLUMNS, column_name
from shared.model.written import plain_number
from shared.words import shown

CASE, SITE, SIMULATED = "case_id", "site_id", "simulated"
_LARGEST = 1e30
_ALLOWED = "allowed is a number, or empty"


@dataclass(frozen=True, eq=False)
class VectorTable:
    """Vectors by case, as a table holds them."""

    columns: tuple[str, ...]
    case_ids: tuple[str, ...]
    values: Floats
    """[rows, p]; NaN where a cell is empty."""
    digest: str
    """SHA-256 of the table's bytes."""
    simulated: bool
    """A column `simulated` says of a row that its patient never lived."""


def read_vector_table(path: Path, is_missing: Callable[[Any], bool]) -> VectorTable:
    """Read a table with one row a case; `is_missing` tells words that stand for no value.

    Raises:
        BadVectorTableError: listing what is wrong, or the file is no table.
    """
    try:
        data = read_bytes(path, f"table of vectors {path}")
        sheet = read_rows(data, path.name)
    except UnreadableTableError as error:
        raise BadVectorTableError(str(error)) from error
    header, body = tuple(map(column_name, sheet.rows[0].cells)), _body(sheet)
    places = [place for place, name in enumerate(header) if name not in (CASE, SITE, SIMULATED)]
    problems = [*_header_problems(header, len(places)), *_ragged(body, len(header))]
    if problems:
        raise BadVectorTableError.listing(path.name, problems)
    values = np.array([[_number(row.cells[place], is_missing) for place in places] for row in body], np.float64)
    cases = tuple(row.cells[header.index(CASE)] for row in body)
    problems = [*_case_problems(body, cases), *_cell_problems(body, header, places, values, is_missing)]
    if problems:
        raise BadVectorTableError.listing(path.name, problems)
    is_simulated = SIMULATED in header and any(row.cells[header.index(SIMULATED)] == "true" for row in body)
    columns = tuple(header[place] for place in places)
    return VectorTable(columns, cases, values, sha256(data), is_simulated)


def _body(sheet: Rows) -> list[Row]:
    """Rows below the header, with decimal points."""
    header, *body = sheet.rows
    whole = [row for row in body if len(row.cells) == len(header.cells)]
    if not sheet.decimal_comma or len(whole) < len(body):
        return body
    return with_points(body, [name not in (CASE, SITE, SIMULATED) for name in header.cells])


def _header_problems(header: Sequence[str], columns: int) -> Iterator[str]:
    if CASE not in header:
        yield f"row 1: column {CASE} is missing"
    if not 1 <= columns <= MOST_COLUMNS:
        yield f"row 1: there are {columns} columns of values; allowed are 1 to {MOST_COLUMNS}"
    for name, count in Counter(header).items():
        if count > 1 or not name:
            yield f"row 1, column {shown(name)}: " + ("stands there more than once" if name else "has no name")
        if not name.isprintable():
            yield f"row 1, column {shown(name)}: has a line break, tab or other character that cannot be shown"


def _ragged(body: Sequence[Row], width: int) -> Iterator[str]:
    if not body:
        yield "there are no rows below the header"
    for row in body:
        if len(row.cells) != width:
            yield f"row {row.line}: {len(row.cells)} cells under {width} columns; allowed is one cell a column"


def _case_problems(body: Sequence[Row], cases: Sequence[str]) -> Iterator[str]:
    line_of_case: dict[str, int] = {}
    for row, case in zip(body, cases, strict=True):
        if not case:
            yield f"row {row.line}, column {CASE}: is empty"
        elif case in line_of_case:
            first = line_of_case[case]
            yield f"row {row.line}, column {CASE}: {shown(case)}, as in row {first}; allowed is one row a case"
        line_of_case.setdefault(case, row.line)


def _cell_problems(
    body: Sequence[Row],
    header: Sequence[str],
    places: Sequence[int],
    values: Floats,
    is_missing: Callable[[Any], bool],
) -> Iterator[str]:
    for at, column in zip(*np.nonzero(np.isnan(values)), strict=True):
        row, place = body[at], places[column]
        if not is_missing(row.cells[place]):
            yield f"row {row.line}, column {shown(header[place])}: {shown(row.cells[place])}; {_ALLOWED}"


def _number(cell: str, is_missing: Callable[[Any], bool]) -> float:
    """The number of a cell; NaN where it is missing or no number."""
    number = plain_number(cell)
    if number is None or abs(number) > _LARGEST or (is_missing(cell) and cell != ""):
        return np.nan
    return number
