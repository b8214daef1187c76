"""What became of every place of a slide's grid, thinned out so that a browser can draw it."""

from dataclasses import dataclass
from enum import IntEnum
from math import ceil, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.arrays import Corners
from shared.slides.verdict import Verdict

LARGEST_GRID = 200_000
"""Places that a browser draws at most."""
Places = npt.NDArray[np.uint8]
"""uint8 [rows, columns] of `TileClass`."""


class TileClass(IntEnum):
    """The verdict of the plan, or corrupt: planned, but not decoded."""

    OK = Verdict.OK
    BACKGROUND = Verdict.BACKGROUND
    PEN = Verdict.PEN
    BLURRED = Verdict.BLURRED
    CORRUPT = 4


@dataclass(frozen=True, slots=True)
class TileClasses:
    """A class for each place of a slide's grid."""

    places: Places
    width_px: float
    height_px: float
    """Size of a place in the slide's level-0 pixels."""
    merged: int = 1
    """Tiles per side of a place."""

    def as_json(self) -> dict[str, Any]:
        """Rows of digits, each an index of `classes`."""
        return {
            "classes": [each.name.lower() for each in TileClass],
            "rows": ["".join(map(str, row)) for row in self.places.tolist()],
            "square_width_px": self.width_px,
            "square_height_px": self.height_px,
            "merged": self.merged,
        }


def classify(ledger: Places, tile: tuple[float, float], embedded: Corners | None) -> TileClasses:
    """Classes from a plan's `ledger` of verdicts and the level-0 corners [n, 2] of the `embedded` tiles.

    `tile` is the (width, height) of a tile in level-0 pixels. Without `embedded` no place is called corrupt.
    """
    places = ledger.copy()
    if embedded is not None:
        columns, rows = np.rint(embedded / np.array(tile)).astype(np.int64).T
        decoded = np.zeros(places.shape, np.bool_)
        decoded[rows, columns] = True
        places[(places == TileClass.OK) & ~decoded] = TileClass.CORRUPT
    return TileClasses(places, *tile)


def thin_out(classes: TileClasses, largest: int = LARGEST_GRID) -> TileClasses:
    """Merge k x k places into one of their most frequent class, k the smallest that leaves at most `largest`."""
    rows, columns = classes.places.shape
    k = max(1, ceil(sqrt(rows * columns / largest)))
    if k == 1:
        return classes
    counts = np.stack([_counts(classes.places == each, k) for each in TileClass])
    return TileClasses(counts.argmax(axis=0).astype(np.uint8), k * classes.width_px, k * classes.height_px, merged=k)


def _counts(mask: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.int64]:
    """How many of each k x k places are in the mask; those beyond the edge are not."""
    rows, columns = mask.shape
    padded = np.pad(mask, ((0, -rows % k), (0, -columns % k)))
    blocks = padded.reshape(-(-rows // k), k, -(-columns // k), k)
    return np.asarray(blocks.sum(axis=(1, 3)), np.int64)
