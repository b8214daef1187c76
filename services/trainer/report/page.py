"""report.html."""

from pathlib import Path
from typing import Any


def write_page(report: dict[str, Any], out: Path) -> None:
    """Placeholder."""
