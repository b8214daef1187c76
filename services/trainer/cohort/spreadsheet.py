"""Rows of an .xlsx file's first sheet, read within stated bounds."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from typing import Any

from openpyxl import load_workbook

from services.trainer.errors import UnreadableTableError

ARCHIVE = b"PK\x03\x04"
_MOST_BYTES = 200_000_000
"""Of all members of the archive together, unpacked."""
_MOST_MEMBERS = 1_000
_MOST_COLUMNS, _MOST_ROWS = 5_100, 100_000
"""A vector may have 5,000 columns."""


def sheet_rows(data: bytes, name: str) -> Iterator[list[str]]:
    """Cells as text; a formula counts as the value that was last shown.

    Raises:
        UnreadableTableError: no workbook, or too large.
    """
    _check_size(data, name)
    try:
        sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
        for line, row in enumerate(sheet.iter_rows(values_only=True)):
            if len(row) > _MOST_COLUMNS or line == _MOST_ROWS:
                raise UnreadableTableError(f"{name} is larger than {_MOST_COLUMNS} columns or {_MOST_ROWS} rows")
            yield [_text(cell) for cell in row]
    except UnreadableTableError:
        raise
    except Exception:  # noqa: BLE001 - the library has no error of its own for a damaged file
        raise UnreadableTableError(f"{name} is no workbook that can be read") from None


def _check_size(data: bytes, name: str) -> None:
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise UnreadableTableError(f"{name} is an archive that cannot be read") from None
    if "xl/workbook.xml" not in {member.filename for member in members}:
        raise UnreadableTableError(f"{name} is an archive, but no .xlsx workbook")
    size = sum(member.file_size for member in members)
    if size > _MOST_BYTES or len(members) > _MOST_MEMBERS:
        raise UnreadableTableError(f"{name} unpacks to {size} bytes; {_MOST_BYTES} are allowed")


def _text(cell: Any) -> str:
    """A cell as a CSV file of the same sheet holds it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
