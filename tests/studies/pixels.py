"""SIMULATED studies on slides of real pixels, simulated, tiled and embedded by the command line as a user would."""

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.bundle.served import read_bundle
from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.arrays import Floats
from shared.canonical import digest_of
from tests.studies.bags import EXTERNAL, measured
from tests.studies.command import SOME_REFUSED, medulla
from tests.studies.ood_check import mean_embeddings, shares
from tests.studies.pieces import quiet

OOD_SHIFT = 8.0
FOREIGN = ("tcga-cr-7395-01a-01-ts1.svs", "slide_with_ink.jpeg", "multi_frame_jpeg_camelyon_challenge_image.dcm")
"""Real slides of other organs in the folder of the user."""


@dataclass(frozen=True)
class PixelPlan:
    """One set of slides, which show the latent alone, under several effects and several draws of outcomes."""

    seed: int
    effects: tuple[float, ...] = (1.0, 1.6)
    draws: int = 4
    """Of outcomes over the same slides, for each effect; a model is trained and asked for each."""
    patients: int = 240
    external: int = 120
    external_shift: float = 1.5
    ood_patients: int = 12
    """Patients of strongly shifted stain, who should be refused; none with 0."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-slides"

    @property
    def inside(self) -> SimulationPlan:
        """The patients of the training cohort."""
        return slides_plan(self.patients, self.seed, 5, 1.0)

    @property
    def outside(self) -> SimulationPlan:
        """The patients of the external site."""
        return slides_plan(self.external, self.seed + EXTERNAL, 1, self.external_shift)

    @property
    def strange(self) -> SimulationPlan:
        """The patients of strongly shifted stain."""
        return slides_plan(self.ood_patients, self.seed + 2 * EXTERNAL, 3, OOD_SHIFT)

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        for name, plan in (("inside", self.inside), ("outside", self.outside)):
            (work / name).symlink_to(kept_embeddings(plan, work.parent))
        values = {
            f"{effect:g}": [self._draw(effect, draw, work) for draw in range(self.draws)] for effect in self.effects
        }
        return {"by_effect": values, "abstentions": self._abstentions(work, data)}

    def _draw(self, effect: float, draw: int, work: Path) -> dict[str, Any]:
        """The numbers of one draw of outcomes; its bundle takes the place of the one before."""
        for name, plan in (("inside", self.inside), ("outside", self.outside)):
            simulate(replace(plan, effect=effect, outcome_seed=draw), work / "drawn" / name, quiet)
        inside, outside = ((work / "drawn" / name, work / name / "EMB") for name in ("inside", "outside"))
        numbers = measured(inside, outside, work)
        return {name: value for name, value in numbers.items() if name != "abstentions"}

    def _abstentions(self, work: Path, data: Path | None) -> dict[str, Any]:
        """Shares flagged and refused by the last bundle."""
        reference = read_bundle(work / "bundle").bundle.reference
        refused = {"external site": shares(reference, _means(work / "outside"))}
        if self.ood_patients:
            strange = kept_embeddings(self.strange, work.parent)
            refused["strongly shifted stain"] = shares(reference, _means(strange))
        if data and (foreign := [path for path in (data / "slides" / name for name in FOREIGN) if path.exists()]):
            medulla("embed", *foreign, "--out", work / "foreign", "--default-mpp", "0.5", allowed=SOME_REFUSED)
            other = read_embeddings(work / "foreign")
            means = [other.bag(case).mean(axis=0, dtype=np.float64) for case in other.by_case]
            refused["other organs, real slides"] = shares(reference, np.stack(means))
        return refused


def slides_plan(patients: int, seed: int, sites: int, shift: float) -> SimulationPlan:
    """Without an effect, and with minimal bags, since embeddings of the slides replace them."""
    return SimulationPlan(patients, 1.0, sites, seed, tiles=1, width=8, shift=shift)


def kept_embeddings(plan: SimulationPlan, kept: Path) -> Path:
    """Folder of the cohort and embeddings (EMB) of a SIMULATED set of slides, kept in `kept` without the slides.

    They do not depend on the trainer, so that slides can be embedded ahead of a run.
    """
    folder = kept / f"SIMULATED-embedded-{digest_of(asdict(plan))[:12]}"
    if not folder.exists():
        new = folder.with_name(f".{folder.name}")
        shutil.rmtree(new, ignore_errors=True)
        embed_simulated(plan, new)
        shutil.rmtree(new / "slides")
        new.replace(folder)
    return folder.resolve()


def _means(folder: Path) -> Floats:
    """Mean embeddings of the patients of a folder."""
    return mean_embeddings(read_cohort(folder / "cohort.csv", load_profile()), read_embeddings(folder / "EMB"))


def embed_simulated(plan: SimulationPlan, folder: Path) -> None:
    """Slides of a SIMULATED cohort and, in EMB, their embeddings by the default encoder."""
    values = {name: getattr(plan, name) for name in ("patients", "effect", "sites", "seed", "tiles", "width", "shift")}
    options = [part for name, value in values.items() for part in (f"--{name}", value)]
    medulla("simulate", "--out", folder, *options, "--slides", *(["--rare"] if plan.rare else []))
    medulla("embed", folder, "--out", folder / "EMB", allowed=SOME_REFUSED)
