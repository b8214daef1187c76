"""How time and memory of one fold grow with patients and with tiles, each measured in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from services.trainer.errors import UnusableCohortError
from services.trainer.evidence.pieces import Plan
from services.trainer.evidence.summaries import Piece


class Asked(Protocol):
    """How a run was asked for."""

    @property
    def quick(self) -> bool:
        """A few minutes only."""


@dataclass(frozen=True)
class GrowthPlan:
    """One fold of so many patients with so many tiles each."""

    axis: str
    """patients, tiles, or whole: the cohort of which five times five folds are to take less than half an hour."""
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
        command = [sys.executable, "-m", "services.trainer.evidence.growth_fold", str(work), json.dumps(asdict(self))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
        if done.returncode:
            raise UnusableCohortError(f"a fold of {self.patients} x {self.tiles} failed: {done.stderr[-500:]}")
        said: dict[str, Any] = json.loads(done.stdout)
        return said


def growth_plans(setting: Asked) -> Sequence[Plan]:
    """Patients at 100 tiles, tiles at 100 patients, and the whole run's fold."""
    if setting.quick:
        return [GrowthPlan("patients", n, 10, 16) for n in (50, 100)] + [
            GrowthPlan("tiles", 50, t, 16) for t in (10, 50)
        ]
    patients = [GrowthPlan("patients", n, 100) for n in (100, 300, 1000, 3000, 10_000)]
    tiles = [GrowthPlan("tiles", 100, t) for t in (100, 1000, 5000, 50_000)]
    return [*patients, *tiles, GrowthPlan("whole", 300, 5000)]


def growth_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By axis: rows and fitted exponents; the last row of all is the cohort of the mark."""
    said: dict[str, Any] = {}
    for axis in ("patients", "tiles"):
        rows = [_row(piece) for piece in pieces if piece["plan"]["axis"] == axis]
        said[axis] = {"rows": rows, "exponents": {name: _exponent(rows, axis, name) for name in ("cpu_s", "peak_mb")}}
    whole = [_row(piece) for piece in pieces if piece["plan"]["axis"] == "whole"]
    return said | ({"whole": whole[0]} if whole else {})


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
