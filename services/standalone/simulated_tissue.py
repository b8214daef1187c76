"""Real tissue for SIMULATED slides: whole regions of a CC0 slide, placed next to each other in one orientation.

A region spans several tiles, so that neighbouring tiles are similar as in tissue, and its edge is an edge of tiles.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openslide

from shared.arrays import Floats, Ints

Pixels = npt.NDArray[np.uint8]
Places = Ints

TILE = 256
_REGION, _STEP = 2 * TILE, TILE // 4
"""Side of a region and how far apart regions may begin, in pixels."""
_TISSUE_SHARE, _SATURATION = 0.6, 0.07
_DARK = 140
"""Red below this is a nucleus or tissue as dark as one."""
_SPARSE, _DENSE = 0.4, 0.25
"""Shares of the source's regions that count as sparse and as dense; regions in between are neither."""
_OWN, _NEAR = 4, TILE
"""Places of the source, of each kind, that one patient's tissue comes from, and how far around them, in pixels."""
_ROWS, _COLUMNS = (2, 3), (3, 5)
"""Fewest and most regions a side, drawn for each slide."""
GLASS = 244


@dataclass(frozen=True, eq=False)
class Source:
    """A slide's pixels [h, w, 3], and the upper left corners (y, x) [n, 2] of its regions by how dense they are."""

    pixels: Pixels
    sparse: Places
    dense: Places


def read_source(path: Path) -> Source:
    """Every region with enough tissue, split by density."""
    pixels = read_pixels(path)
    ordered = tissue_places(pixels, _REGION)
    return Source(pixels, ordered[: round(len(ordered) * _SPARSE)], ordered[round(len(ordered) * (1 - _DENSE)) :])


def read_pixels(path: Path) -> Pixels:
    """A small slide whole, [h, w, 3]."""
    with openslide.OpenSlide(path) as opened:
        return np.asarray(opened.read_region((0, 0), 0, opened.dimensions).convert("RGB"), np.uint8)


def tissue_places(pixels: Pixels, side: int, tissue: float = _TISSUE_SHARE) -> Places:
    """Upper left corners (y, x) [n, 2] of squares of `side` pixels with that share of tissue, from sparse to dense."""
    coloured = np.ptp(pixels, axis=2) > _SATURATION * 255
    places = np.argwhere(_share(coloured, side) >= tissue) * _STEP
    dark = _share(pixels[..., 0] < _DARK, side)[tuple(places.T // _STEP)]
    return places[np.argsort(dark, kind="stable")]


def draw_tissue(source: Source, share: float, rng: np.random.Generator) -> Pixels:
    """A slide [h, w, 3] of which about `share` is dense: glass around regions, turned and mirrored as a whole."""
    rows, columns = rng.integers(*_ROWS, endpoint=True), rng.integers(*_COLUMNS, endpoint=True)
    kinds = rng.permutation(np.arange(rows * columns) < rng.random() + share * rows * columns - 1)
    own = {True: _own(source.dense, rng), False: _own(source.sparse, rng)}
    slide = np.full((rows * _REGION + 2 * TILE, columns * _REGION + 2 * TILE, 3), GLASS, np.uint8)
    for i, dense in enumerate(kinds):
        y, x = rng.choice(own[bool(dense)][rng.integers(_OWN)])
        top, left = TILE + (i // columns) * _REGION, TILE + (i % columns) * _REGION
        slide[top : top + _REGION, left : left + _REGION] = source.pixels[y : y + _REGION, x : x + _REGION]
    turned = np.rot90(slide, int(rng.integers(4)))
    return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)


def _own(places: Places, rng: np.random.Generator) -> list[Places]:
    """Neighbourhoods of a few places."""
    centres = places[rng.choice(len(places), _OWN, replace=False)]
    return [places[np.abs(places - centre).max(axis=1) <= _NEAR] for centre in centres]


def _share(marked: npt.NDArray[np.bool_], side: int) -> Floats:
    """Marked share of each square of `side` pixels, for squares that begin at every step."""
    summed = np.pad(marked.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    whole = summed[side:, side:] - summed[:-side, side:] - summed[side:, :-side]
    return np.asarray((whole + summed[:-side, :-side])[::_STEP, ::_STEP] / side**2, np.float64)
