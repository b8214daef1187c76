"""Writes a table as CSV, whole or not at all."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from shared.files import put


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write or replace a table."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    put(path, text.getvalue().encode(errors="backslashreplace"))
