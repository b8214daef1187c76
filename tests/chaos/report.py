"""The report: the newest row of each promise, kept as JSON beside it."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tests.chaos.row import Row

_HEAD = """# Promises under faults

Written by `make chaos PUBLISH=1`; the scenarios stand in [README.md](README.md). SIMULATED records and the bundled
CC0 slide. Other work may have run on the machine: read ratios and counts.

| promise | figure | held | seed | size | measured |
|---|---|---|---|---|---|
"""


def publish(folder: Path, rows: Iterable[Row], measured: str) -> Path:
    """Replace these promises' rows in `results.json`, and write REPORT.md from all; `measured` is date and machine."""
    results = folder / "results.json"
    rows_by_promise: dict[str, dict[str, object]] = json.loads(results.read_text()) if results.exists() else {}
    for row in rows:
        rows_by_promise[row.promise] = asdict(row) | {"measured": measured}
    results.write_text(json.dumps(rows_by_promise, indent=1) + "\n")
    report = folder / "REPORT.md"
    report.write_text(_HEAD + "".join(map(_line, rows_by_promise.values())))
    return report


def _line(row: dict[str, object]) -> str:
    held = "yes" if row["held"] else "**no**"
    cells = (row["promise"], row["figure"], held, row["seed"], row["size"], row["measured"])
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |\n"


def printed(row: Row) -> str:
    """A row for the terminal."""
    return f"{'holds ' if row.held else 'FAILS '} {row.promise}: {row.figure}"
