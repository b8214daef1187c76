"""The report: the newest rows of each scenario and size, kept as JSON beside it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict

from tests.chaos.row import Row

_HEAD = """# Promises under faults

Written by `make chaos PUBLISH=1`; the scenarios stand in [README.md](README.md). SIMULATED records and the bundled
CC0 slide. Other work may have run on the machine: read ratios and counts. Minutes are with the start of the parts;
scenarios that wait run beside others, so that the whole run takes less than their sum.

| scenario | promise | figure | held | seed | size | minutes | measured |
|---|---|---|---|---|---|---|---|
"""


class Published(TypedDict):
    """Rows of a scenario's newest run."""

    minutes: float
    """With the start of the parts; 0 where they were not measured."""
    measured: str
    """Date and machine."""
    rows: list[dict[str, object]]


def publish(
    folder: Path, name: str, rows: Iterable[Row], minutes: float, measured: str, every: Iterable[str] = ()
) -> Path:
    """Replace the rows of a scenario and size in `results.json`, and write REPORT.md; `measured` is date and machine.

    The report names those of `every` scenario that have no run yet.
    """
    results, of_run = folder / "results.json", [asdict(row) for row in rows]
    runs: dict[str, dict[str, Published]] = json.loads(results.read_text()) if results.exists() else {}
    run = Published(minutes=round(minutes, 1), measured=measured, rows=of_run)
    runs.setdefault(name, {})[str(of_run[0]["size"])] = run
    results.write_text(json.dumps(runs, indent=1) + "\n")
    report = folder / "REPORT.md"
    lines = [_line(name, run, row) for name, sizes in runs.items() for run in sizes.values() for row in run["rows"]]
    missing = [each for each in every if each not in runs]
    more = f"\nWithout a published run: {', '.join(missing)}.\n" if missing else ""
    report.write_text(_HEAD + "".join(lines) + more)
    return report


def _line(name: str, run: Published, row: Mapping[str, object]) -> str:
    held, minutes = "yes" if row["held"] else "**no**", f"{run['minutes']:g}" if run["minutes"] else "unknown"
    cells = (name, row["promise"], row["figure"], held, row["seed"], row["size"], minutes, run["measured"])
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |\n"


def printed(row: Row) -> str:
    """A row for the terminal."""
    return f"{'holds ' if row.held else 'FAILS '} {row.promise}: {row.figure}"
