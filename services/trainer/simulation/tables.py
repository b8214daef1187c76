"""Writes tables of rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.csv_file import write_csv


def write_table(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write a table of rows with the same columns, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = list(rows[0])
    write_csv(path, header, ([row[name] for name in header] for row in rows))
