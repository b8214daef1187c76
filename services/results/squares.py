"""Squares that a browser draws instead of tiles: k x k tiles each, so that there are not too many."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TypedDict

import numpy as np

from shared.arrays import Corners, Ints

LARGEST_MAP = 20_000
"""A screen shows no more squares than this."""


class SquareColumns(TypedDict):
    """Squares as the page reads them."""

    x: list[int]
    y: list[int]
    square_width_px: float
    square_height_px: float
    merged: int


@dataclass(frozen=True, slots=True)
class Squares:
    """m squares over n tiles."""

    corners: Corners
    """[m, 2], x and y of the upper left corner in level-0 pixels."""
    width_px: float
    height_px: float
    """Size of a square in level-0 pixels."""
    merged: int
    """Tiles per side of a square."""
    place: Ints
    """[n], index of each tile's square."""

    def columns(self) -> SquareColumns:
        """Columns and sizes, as the page reads them."""
        return {
            "x": self.corners[:, 0].tolist(),
            "y": self.corners[:, 1].tolist(),
            "square_width_px": self.width_px,
            "square_height_px": self.height_px,
            "merged": self.merged,
        }


def squares_over(coords: Corners, tile: tuple[float, float], largest: int = LARGEST_MAP) -> Squares:
    """Merge k x k tiles into one square, k the smallest that leaves at most about `largest` squares.

    `coords` int32 [n, 2] and `tile` (width, height) are in level-0 pixels.
    """
    k = max(1, ceil(sqrt(len(coords) / largest)))
    if k == 1:
        return Squares(coords, *tile, merged=1, place=np.arange(len(coords)))
    side = np.array(tile, dtype=np.float64) * k
    corners, place = np.unique(np.floor((coords + 0.5) / side).astype(np.int64), axis=0, return_inverse=True)
    return Squares(np.rint(corners * side).astype(np.int32), side[0], side[1], merged=k, place=place.ravel())
