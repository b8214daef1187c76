"""Small slides of real pixels for SIMULATED patients: tiles of a CC0 slide, arranged so that the make-up says the risk.

A patient's latent sets the share of tiles dense with nuclei; the site's stain and scanner tint all of them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openslide
import tifffile

from services.trainer.simulation.bags import site_shifts
from services.trainer.simulation.simulate import Simulated, SimulationPlan

Pixels = npt.NDArray[np.uint8]
Advance = Callable[[int, int], None]

SOURCE = Path(__file__).parent / "demo" / "cmu-1-small-region.svs"
_TILE, _SIDE, _BORDER = 256, 6, 1
"""Pixels of a tile; tiles a side of tissue; tiles of empty glass around it."""
_MPP = 0.5
_TISSUE_SHARE, _SATURATION = 0.4, 0.07
_DENSE = 1 / 3
"""Share of the source's tiles that count as dense."""
_TINT = 0.08
"""Standard deviation of a site's log gain of each channel's optical density, for a shift of one."""
_SLIDE_TINT = 0.03
"""The same of one slide against others of its site."""
_OWN = 0.5
"""Share of the source's tiles that a patient's tissue is made of."""


def write_slides(drawn: Simulated, plan: SimulationPlan, folder: Path, advance: Advance) -> None:
    """Write slides/{case_id}/{case_id}-a.tiff for everyone who has slides; the same plan gives the same pixels."""
    rng = np.random.default_rng([plan.seed, 3])
    tiles = _by_density(_tissue(SOURCE))
    cut = round(len(tiles) * (1 - _DENSE))
    tints = np.exp(
        _TINT * np.concatenate([site_shifts(plan.sites, plan.shift, rng), np.zeros((plan.sites, 1))], axis=1)
    )
    for i, name in enumerate(drawn.names):
        if drawn.has_slides[i]:
            share = 1 / (1 + np.exp(-(-1.0 + 0.9 * drawn.fate.latent[i])))
            slide = _slide(_own(tiles[:cut], rng), _own(tiles[cut:], rng), share, rng)
            tint = tints[drawn.sites[i]] * np.exp(_SLIDE_TINT * rng.normal(size=3))
            _write(_tinted(slide, tint), folder / name / f"{name}-a.tiff")
        advance(i + 1, len(drawn.names))


def _tissue(source: Path) -> Pixels:
    """Every tile [n, 256, 256, 3] of a plain grid that is coloured enough to be tissue."""
    with openslide.OpenSlide(source) as opened:
        width, height = opened.dimensions
        step = _TILE // 2
        places = [(x, y) for y in range(0, height - _TILE + 1, step) for x in range(0, width - _TILE + 1, step)]
        images = [np.asarray(opened.read_region(place, 0, (_TILE, _TILE)).convert("RGB"), np.uint8) for place in places]
    tiles = np.stack(images)
    spread = tiles.max(axis=3).astype(np.float64) - tiles.min(axis=3)
    share = (spread > _SATURATION * 255).mean(axis=(1, 2))
    return np.asarray(tiles[share >= _TISSUE_SHARE], np.uint8)


def _by_density(tiles: Pixels) -> Pixels:
    """From the tiles with the fewest dark pixels in the red channel, where nuclei are dark, to those with the most."""
    dark = (tiles[..., 0] < 140).mean(axis=(1, 2))
    return np.asarray(tiles[np.argsort(dark, kind="stable")], np.uint8)


def _own(tiles: Pixels, rng: np.random.Generator) -> Pixels:
    """The tiles that one patient's tissue is made of."""
    return np.asarray(tiles[rng.permutation(len(tiles))[: max(1, round(_OWN * len(tiles)))]], np.uint8)


def _slide(sparse: Pixels, dense: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    side = (_SIDE + 2 * _BORDER) * _TILE
    slide = np.full((side, side, 3), 244, np.uint8)
    for row in range(_SIDE):
        for column in range(_SIDE):
            kind = dense if rng.random() < share else sparse
            tile = np.rot90(kind[rng.integers(len(kind))], int(rng.integers(4)))
            y, x = (_BORDER + row) * _TILE, (_BORDER + column) * _TILE
            slide[y : y + _TILE, x : x + _TILE] = tile[:, ::-1] if rng.random() < 0.5 else tile
    return slide


def _tinted(slide: Pixels, tint: npt.NDArray[np.float64]) -> Pixels:
    """Multiply the optical density of each channel."""
    density = np.log(255 / np.maximum(slide, 1).astype(np.float64))
    return np.asarray(np.clip(np.round(255 * np.exp(-density * tint)), 0, 255), np.uint8)


def _write(slide: Pixels, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    per_cm = (10_000 / _MPP, 10_000 / _MPP)
    tifffile.imwrite(
        unfinished,
        slide,
        photometric="rgb",
        compression="jpeg",
        compressionargs={"level": 90},
        tile=(_TILE, _TILE),
        resolution=per_cm,
        resolutionunit="CENTIMETER",
        description="SIMULATED slide for Medulla: tiles of CMU-1 (CC0), rearranged. Says nothing about a patient.",
        software=False,
        metadata=None,
    )
    unfinished.replace(path)
