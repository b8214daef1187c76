"""Decimal commas in tables whose cells are separated by semicolons."""

import re
from collections.abc import Sequence
from dataclasses import replace

from services.trainer.cohort.rows import Row

_WITH_COMMA = re.compile(r"[+-]?\d+,\d+")
_WITH_POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")


def with_points(rows: list[Row], numeric: Sequence[bool]) -> list[Row]:
    """Rows with decimal points instead of commas; a number with points of thousands becomes invalid."""
    cells = [[cell for cell, is_number in zip(row.cells, numeric, strict=True) if is_number] for row in rows]
    if not any(_WITH_COMMA.fullmatch(cell) for row in cells for cell in row):
        return rows
    return [replace(row, cells=tuple(map(_with_point, row.cells, numeric))) for row in rows]


def _with_point(cell: str, is_number: bool) -> str:
    if is_number and _WITH_POINTS.fullmatch(cell):
        return f"{cell} (a point of thousands, or of decimals?)"
    return cell.replace(",", ".") if is_number and _WITH_COMMA.fullmatch(cell) else cell
