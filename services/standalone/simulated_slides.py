"""Small slides of real pixels for SIMULATED patients: regions of a CC0 slide, whose composition carries the risk.

A patient's latent sets the share of regions that are dense; the site's stain and scanner change all of them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from services.standalone.demo_case import DEMO_SLIDE
from services.standalone.rare_tissue import draw_rare_slide, read_rare_source
from services.standalone.simulated_tissue import TILE, Pixels, draw_tissue, read_source
from services.trainer.simulation.bags import site_shifts
from services.trainer.simulation.rare import PATTERN, rare_shares
from services.trainer.simulation.simulate import Simulated, SimulationPlan
from services.trainer.simulation.tables import write_table
from shared.arrays import Floats
from shared.progress import Advance

Gains = Floats
TILES = "SIMULATED_tiles.csv"
"""Which tile of a slide with a rare pattern is of which kind."""

_MPP = 0.5
_TYPICAL, _SLOPE = -0.2, 1.4
"""Logit of the share of dense tissue for an average latent, and for one SD of it."""
_TINT = 0.08
"""Standard deviation of a site's log gain of each channel's optical density, for a shift of one."""
_SLIDE_TINT = 0.05
"""The same of one slide against others of its site."""
_QUALITY = (80, 100)
"""JPEG qualities that sites scan with."""


@dataclass(frozen=True)
class Scanner:
    """A site's stain and scanner."""

    tint: Gains
    quality: int

    @classmethod
    def draw(cls, shift: Gains, rng: np.random.Generator) -> "Scanner":
        """A scanner of a site with a shift [2]."""
        return cls(np.exp(_TINT * np.append(shift, 0.0)), int(rng.integers(*_QUALITY)))

    def of_slide(self, rng: np.random.Generator) -> Gains:
        """Gains [3] of one slide's optical density."""
        return np.asarray(self.tint * np.exp(_SLIDE_TINT * rng.normal(size=3)), np.float64)


class _Tissue:
    """Draws slides whose share of dense regions follows the latent."""

    def __init__(self, drawn: Simulated) -> None:
        self._source = read_source(DEMO_SLIDE)
        self._shares = 1 / (1 + np.exp(-(_TYPICAL + _SLOPE * drawn.simulated_outcome.latent)))
        self.truth: list[dict[str, str]] = []
        """Kinds of tiles; none is kept, since no kind alone carries the hazard."""

    def draw(self, patient: int, rng: np.random.Generator) -> Pixels:
        """A patient's slide."""
        return draw_tissue(self._source, self._shares[patient], rng)


class _RareTissue:
    """Draws slides in which few tiles show the pattern."""

    def __init__(self, drawn: Simulated, rng: np.random.Generator) -> None:
        self._source = read_rare_source(DEMO_SLIDE)
        self._shares = rare_shares(drawn.simulated_outcome.latent, np.array(drawn.sites), rng)
        self._names = drawn.names
        self.truth: list[dict[str, str]] = []
        """A row for each tile drawn."""

    def draw(self, patient: int, rng: np.random.Generator) -> Pixels:
        """A patient's slide."""
        slide = draw_rare_slide(self._source, self._shares[patient], rng)
        name = self._names[patient]
        self.truth += [
            {"case_id": name, "x": str(x), "y": str(y), "kind": str(kind), "pattern": str(int(kind == PATTERN))}
            for (x, y), kind in zip(slide.corners, slide.kinds, strict=True)
        ]
        return slide.pixels


def write_slides(drawn: Simulated, plan: SimulationPlan, folder: Path, advance: Advance) -> None:
    """Write slides/{case_id}/{case_id}-a.tiff for every patient with slides; the same plan gives the same pixels.

    With a rare pattern, SIMULATED_tiles.csv beside the folder says which tiles show it.
    """
    rng = np.random.default_rng([plan.seed, 3])
    tissue = _RareTissue(drawn, rng) if plan.rare else _Tissue(drawn)
    scanners = [Scanner.draw(shift, rng) for shift in site_shifts(plan.sites, plan.shift, rng)]
    for i, name in enumerate(drawn.names):
        if drawn.has_slides[i]:
            slide = tissue.draw(i, rng)
            scanner = scanners[drawn.sites[i]]
            _write(tinted(slide, scanner.of_slide(rng)), scanner.quality, folder / name / f"{name}-a.tiff")
        advance(i + 1, len(drawn.names))
    if plan.rare:
        write_table(folder.parent / TILES, tissue.truth)


def tinted(slide: Pixels, tint: Gains) -> Pixels:
    """Multiply the optical density of each channel."""
    density = np.log(255 / np.maximum(np.arange(256), 1))
    table = np.clip(np.round(255 * np.exp(-density[:, None] * tint)), 0, 255).astype(np.uint8)
    return np.stack([table[slide[..., channel], channel] for channel in range(3)], axis=2)


def _write(slide: Pixels, quality: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    per_cm = (10_000 / _MPP, 10_000 / _MPP)
    tifffile.imwrite(
        unfinished,
        slide,
        photometric="rgb",
        compression="jpeg",
        compressionargs={"level": quality},
        tile=(TILE, TILE),
        resolution=per_cm,
        resolutionunit="CENTIMETER",
        description="SIMULATED slide for Medulla: regions of CMU-1 (CC0), rearranged. Says nothing about a patient.",
        software=False,
        metadata=None,
    )
    unfinished.replace(path)
