"""Shares of slides flagged and left out as stained otherwise, of SIMULATED patients: restained slides, and H&E ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from services.trainer.bundle.slide_reference import SlideMeasures, shares_of_limit, slide_measures, slide_reference
from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.errors import UnusableCohortError
from shared.arrays import Floats
from shared.model.reference import SlideReference
from tests.studies.bags import EXTERNAL
from tests.studies.command import SOME_REFUSED, medulla
from tests.studies.pixels import FOREIGN, embed_simulated, slides_plan
from tests.studies.stains import STAINS

H_AND_E = "H&E of other sites"
FOREIGN_SLIDES = "other organs, real slides"
_TILE, _PER_CM = 256, 20_000
"""Of the slides that are written: pixels of a tile, and pixels a centimetre at 0.5 um/px."""


@dataclass(frozen=True)
class StainPlan:
    """A reference of slides of five sites, applied to slides of other sites as they are and restained."""

    seed: int
    patients: int = 200
    """Of whom the reference is made."""
    cases: int = 100
    """Of other sites, each with an H&E slide and one with DAB; the DAB slide is the pixels of the same tissue."""
    others: int = 40
    """How many of them are stained in each other way."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-stains"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        embed_simulated(slides_plan(self.patients, self.seed, 5, 1.0), work / "inside")
        embed_simulated(slides_plan(self.cases, self.seed + EXTERNAL, 5, 1.0), work / "outside")
        reference = slide_reference(_measures(work / "inside" / "EMB"))
        if reference is None:
            raise UnusableCohortError("too few slides for a reference")
        shares = {H_AND_E: _shares(reference, _measures(work / "outside" / "EMB"))}
        for name in STAINS:
            self._stain(name, work)
            shares[name] = _shares(reference, _embedded(work / name))
        if data and (foreign := [path for path in (data / "slides" / name for name in FOREIGN) if path.exists()]):
            medulla("embed", *foreign, "--out", work / "foreign", "--default-mpp", "0.5", allowed=SOME_REFUSED)
            shares[FOREIGN_SLIDES] = _shares(reference, _measures(work / "foreign"))
        return shares

    def _stain(self, name: str, work: Path) -> None:
        limit = self.cases if name == "DAB" else self.others
        for i, path in enumerate(sorted((work / "outside" / "slides").rglob("*.tiff"))[:limit]):
            rng = np.random.default_rng([self.seed, list(STAINS).index(name), i])
            target = work / name / "slides" / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(
                target,
                STAINS[name](tifffile.imread(path), rng),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": int(rng.integers(80, 100))},
                tile=(_TILE, _TILE),
                resolution=(_PER_CM, _PER_CM),
                resolutionunit="CENTIMETER",
                metadata=None,
            )


def _embedded(folder: Path) -> SlideMeasures | None:
    """Measures of a folder of slides; None where none of them is taken for a slide with tissue."""
    medulla("embed", folder, "--out", folder / "EMB", allowed=SOME_REFUSED)
    listed = (folder / "EMB" / "index.csv").read_text(encoding="utf-8").splitlines()
    return _measures(folder / "EMB") if len(listed) > 1 else None


def _measures(folder: Path) -> SlideMeasures:
    bags = read_embeddings(folder)
    return slide_measures(sorted(bags.by_case), bags)


def _shares(reference: SlideReference, measures: SlideMeasures | None) -> dict[str, float]:
    """Of slides with tiles the shares flagged and left out, by both distances and by each alone."""
    if measures is None:
        return {"n": 0, "flagged": 0.0, "refused": 0.0, "by_embedding": 0.0}
    far = shares_of_limit(reference, measures)
    by_embedding = shares_of_limit(SlideReference(embedding=reference.embedding), measures)
    limit = reference.embedding.limits
    return {
        "n": len(far),
        "flagged": _share(far, limit.flag / limit.abstain),
        "refused": _share(far, 1.0),
        "by_embedding": _share(by_embedding, 1.0),
    }


def _share(far: Floats | Sequence[float], limit: float) -> float:
    return float((np.asarray(far) > limit).mean())
