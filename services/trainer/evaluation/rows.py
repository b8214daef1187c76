"""Tables of comma-separated text."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shared.files import put


def write_rows(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of comma-separated text, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    put(path, text.getvalue().encode())
