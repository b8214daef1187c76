"""Tissue of SIMULATED slides with a rare pattern: single tiles of a CC0 slide, of which few show enlarged nuclei.

Backgrounds are four kinds of tile, by how dense they are. The pattern is the densest kind at a larger magnification,
so that its nuclei look larger, as pathologists describe large-cell tumours; its colours are those of the background.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from services.standalone.simulated_tissue import GLASS, TILE, Pixels, Places, read_pixels, tissue_places
from services.trainer.simulation.rare import BACKGROUNDS, PATTERN
from shared.arrays import Floats, Ints

ENLARGED = 1.6
"""Magnification of the pattern, relative to the background."""
_SOLID = 0.85
"""Share of tissue of the places that the pattern is taken from; loose keratin has less."""
_ROWS, _COLUMNS = (9, 12), (12, 15)
"""Fewest and most tiles a side, drawn for each slide."""
_OWN, _NEAR = 4, TILE // 2
"""Places of the source, of each kind, that one patient's tiles come from, and how far around them, in pixels."""


@dataclass(frozen=True, eq=False)
class RareSource:
    """A slide's pixels [h, w, 3], and corners (y, x) [n, 2] of its tiles by kind, the pattern's last."""

    pixels: Pixels
    places: tuple[Places, ...]

    def tile(self, kind: int, y: int, x: int) -> Pixels:
        """A tile [256, 256, 3] of a kind."""
        if kind != PATTERN:
            return self.pixels[y : y + TILE, x : x + TILE]
        side = round(TILE / ENLARGED)
        inset = (TILE - side) // 2
        centre = self.pixels[y + inset : y + inset + side, x + inset : x + inset + side]
        return np.asarray(Image.fromarray(centre).resize((TILE, TILE), Image.Resampling.BICUBIC))


@dataclass(frozen=True, eq=False)
class RareSlide:
    """A slide's pixels, and the truth of its tiles."""

    pixels: Pixels
    corners: Places
    """[n, 2] x and y of the tiles' upper left corners."""
    kinds: Ints
    """[n]."""


def read_rare_source(path: Path) -> RareSource:
    """Every tile with enough tissue, by density; the pattern's are of the densest, without gaps."""
    pixels = read_pixels(path)
    backgrounds = np.array_split(tissue_places(pixels, TILE), BACKGROUNDS)
    solid = tissue_places(pixels, TILE, _SOLID)
    return RareSource(pixels, (*backgrounds, solid[round(len(solid) * (1 - 1 / BACKGROUNDS)) :]))


def draw_rare_slide(source: RareSource, shares: Floats, rng: np.random.Generator) -> RareSlide:
    """A slide with about these `shares` [kinds] of each kind of tile, glass around them."""
    rows, columns = rng.integers(*_ROWS, endpoint=True), rng.integers(*_COLUMNS, endpoint=True)
    kinds = rng.choice(len(shares), rows * columns, p=shares).astype(np.int64)
    own = [_own(places, rng) for places in source.places]
    slide = np.full(((rows + 2) * TILE, (columns + 2) * TILE, 3), GLASS, np.uint8)
    corners = TILE * (1 + np.stack([np.arange(len(kinds)) % columns, np.arange(len(kinds)) // columns], axis=1))
    for (left, top), kind in zip(corners, kinds, strict=True):
        y, x = rng.choice(own[kind])
        tile = np.rot90(source.tile(int(kind), y, x), int(rng.integers(4)))
        slide[top : top + TILE, left : left + TILE] = tile[:, ::-1] if rng.random() < 0.5 else tile
    return RareSlide(slide, corners, kinds)


def _own(places: Places, rng: np.random.Generator) -> Places:
    """Places around a few of them."""
    centres = places[rng.choice(len(places), _OWN, replace=False)]
    near = (np.abs(places[:, None] - centres[None]).max(axis=2) <= _NEAR).any(axis=1)
    return np.asarray(places[near], np.int64)
