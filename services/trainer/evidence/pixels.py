"""SIMULATED studies on slides of real pixels, made, cut and embedded by the command line as a user would."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.bundle.served import read_bundle
from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.errors import UnusableCohortError
from services.trainer.evidence.strangers import mean_embeddings, shares
from services.trainer.evidence.study import EXTERNAL, measured
from services.trainer.profile import load_profile
from shared import runtime

STRANGE_SHIFT = 8.0
FOREIGN = ("tcga-cr-7395-01a-01-ts1.svs", "slide_with_ink.jpeg", "multi_frame_jpeg_camelyon_challenge_image.dcm")
"""Real slides of other organs in the folder of the user."""
_SOME_REFUSED = (0, runtime.AT_FAULT)
"""Exit codes of `medulla embed`, which names slides that quality control turns away and goes on."""


@dataclass(frozen=True)
class PixelPlan:
    """The same slides under several effects: the effect moves outcomes, and the pixels show the latent alone."""

    seed: int
    effects: tuple[float, ...] = (1.0, 1.6)
    patients: int = 240
    external: int = 120
    external_shift: float = 1.5
    strangers: int = 12

    @property
    def kind(self) -> str:
        """See evidence.pieces.Plan."""
        return "SIMULATED-slides"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See evidence.pieces.Plan."""
        inside = _slides(work / "inside", self.patients, self.seed, 5, 1.0)
        outside = _slides(work / "outside", self.external, self.seed + EXTERNAL, 1, self.external_shift)
        said: dict[str, Any] = {"plan": asdict(self), "by_effect": {}}
        for effect in self.effects:
            for name, patients, seed, sites, shift in (
                ("inside", self.patients, self.seed, 5, 1.0),
                ("outside", self.external, self.seed + EXTERNAL, 1, self.external_shift),
            ):
                _simulate(work / f"{name}-{effect:g}", patients, seed, sites, shift, effect)
            folders = [(work / f"{name}-{effect:g}", bags) for name, bags in (("inside", inside), ("outside", outside))]
            made = work / f"bundle-{effect:g}"
            made.mkdir()
            numbers = measured(folders[0], folders[1], made)
            numbers.pop("abstentions", None)
            said["by_effect"][f"{effect:g}"] = numbers
        said["abstentions"] = self._abstentions(work, outside, data)
        return said

    def _abstentions(self, work: Path, outside: Path, data: Path | None) -> dict[str, Any]:
        """Shares flagged and refused by the last bundle."""
        effect = f"{self.effects[-1]:g}"
        bundle = read_bundle(work / f"bundle-{effect}" / "bundle")
        near = read_cohort(work / f"outside-{effect}" / "cohort.csv", load_profile())
        said = {"external site": shares(bundle, mean_embeddings(near, read_embeddings(outside)))}
        if self.strangers:
            bags = _slides(work / "strange", self.strangers, self.seed + 2 * EXTERNAL, 3, STRANGE_SHIFT)
            far = read_cohort(work / "strange" / "cohort.csv", load_profile())
            said["strongly shifted stain"] = shares(bundle, mean_embeddings(far, read_embeddings(bags)))
        if data and (foreign := [path for path in (data / "slides" / name for name in FOREIGN) if path.exists()]):
            _medulla("embed", *foreign, "--out", work / "foreign", "--default-mpp", "0.5", allowed=_SOME_REFUSED)
            other = read_embeddings(work / "foreign")
            means = [other.bag(case).mean(axis=0, dtype=np.float64) for case in other.by_case]
            said["other organs, real slides"] = shares(bundle, np.stack(means))
        return said


def _slides(folder: Path, patients: int, seed: int, sites: int, shift: float) -> Path:
    """Slides of a SIMULATED cohort and their embeddings by the default encoder; gives the folder of the bags."""
    _simulate(folder, patients, seed, sites, shift, 1.0, "--slides")
    _medulla("embed", folder, "--out", folder / "EMB", allowed=_SOME_REFUSED)
    return folder / "EMB"


def _simulate(folder: Path, patients: int, seed: int, sites: int, shift: float, effect: float, *more: str) -> None:
    said = {
        "patients": patients,
        "seed": seed,
        "sites": sites,
        "shift": shift,
        "effect": effect,
        "tiles": 1,
        "width": 8,
    }
    options = [part for name, value in said.items() for part in (f"--{name}", value)]
    _medulla("simulate", "--out", folder, *options, *more)


def _medulla(*arguments: Any, allowed: Sequence[int] = (0,)) -> None:
    """Run a command of the program.

    Raises:
        UnusableCohortError: it failed; with its last line.
    """
    command = [sys.executable, "-m", "services.standalone", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the program itself
    if done.returncode not in allowed:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnusableCohortError(f"medulla {json.dumps([str(item) for item in arguments])} failed: {last}")
