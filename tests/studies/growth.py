"""How time and memory grow with patients and with tiles: one fold in a process of its own, and one run as a whole."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from services.trainer.errors import UnusableCohortError
from services.trainer.simulation.simulate import SimulationPlan, simulate
from tests.studies.command import medulla
from tests.studies.pieces import Plan, quiet
from tests.studies.summaries import Piece


class RunSize(Protocol):
    """How a run was asked for."""

    @property
    def quick(self) -> bool:
        """A few minutes only."""


@dataclass(frozen=True)
class GrowthPlan:
    """One fold of so many patients with so many tiles each."""

    axis: str
    """patients or tiles."""
    patients: int
    tiles: int
    width: int = 64

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-growth"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        command = [sys.executable, "-m", "tests.studies.growth_fold", str(work), json.dumps(asdict(self))]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        if completed.returncode:
            raise UnusableCohortError(f"a fold of {self.patients} x {self.tiles} failed: {completed.stderr[-500:]}")
        figures: dict[str, Any] = json.loads(completed.stdout)
        return figures


@dataclass(frozen=True)
class WholePlan:
    """`medulla evaluate` of a cohort, five times five folds with all that belongs to it, in two processes."""

    patients: int = 300
    tiles: int = 5000
    width: int = 64

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-whole"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        simulate(SimulationPlan(self.patients, 1.6, tiles=self.tiles, width=self.width), work, quiet)
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        options = ("--cohort", work / "cohort.csv", "--embeddings", work / "embeddings", "--workers", 2)
        medulla("evaluate", *options, "--out", work / "report")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"cpu_s": round(used, 1), "wall_s": round(time.monotonic() - started, 1)}


def growth_plans(setting: RunSize) -> Sequence[Plan]:
    """Patients at 100 tiles, tiles at 100 patients, and a whole run."""
    if setting.quick:
        patients = [GrowthPlan("patients", n, 10, 16) for n in (50, 100)]
        return [*patients, *(GrowthPlan("tiles", 50, t, 16) for t in (10, 50)), WholePlan(60, 10, 16)]
    patients = [GrowthPlan("patients", n, 100) for n in (100, 300, 1000, 3000, 10_000)]
    tiles = [GrowthPlan("tiles", 100, t) for t in (100, 1000, 5000, 50_000)]
    return [*patients, *tiles, WholePlan()]


def growth_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By axis: rows and fitted exponents; and the whole run."""
    figures: dict[str, Any] = {}
    for axis in ("patients", "tiles"):
        rows = [_row(piece) for piece in pieces if piece["plan"].get("axis") == axis]
        figures[axis] = {
            "rows": rows,
            "exponents": {name: _exponent(rows, axis, name) for name in ("cpu_s", "peak_mb")},
        }
    whole = [piece for piece in pieces if piece["kind"] == "SIMULATED-whole"]
    return figures | {"whole": {**whole[0]["plan"], **whole[0]["value"]} if whole else None}


def _row(piece: Piece) -> dict[str, Any]:
    value = dict(piece["value"])
    row = {"patients": piece["plan"]["patients"], "tiles": piece["plan"]["tiles"], **value}
    return row | {
        f"log_{name}": round(float(np.log10(max(row[name], 1e-3))), 3)
        for name in ("patients", "tiles", "cpu_s", "peak_mb")
    }


def _exponent(rows: Sequence[Piece], axis: str, name: str) -> float:
    """Slope of log on log; 1 where time doubles with size."""
    x = np.array([row[f"log_{axis}"] for row in rows])
    y = np.array([row[f"log_{name}"] for row in rows])
    return float(np.polyfit(x, y, 1)[0])
