"""A slide's attention, thinned out so that a browser can draw it."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

LARGEST_MAP = 20_000
"""A screen shows no more squares than this."""


@dataclass(frozen=True, slots=True)
class AttentionMap:
    """Squares in the slide's level-0 pixels with the attention of each."""

    coords: npt.NDArray[np.int32]
    """[n, 2], x and y of the upper left corner."""
    attention: npt.NDArray[np.float32]
    """[n], share of the case's attention; of merged tiles the highest, so that no hot spot is lost."""
    width_px: float
    height_px: float
    """Size of a square."""
    mean: float
    """Of the slide's tiles, before any were merged."""
    merged: int
    """Tiles per side of a square."""

    def as_json(self) -> dict[str, Any]:
        """Columns, as the page reads them."""
        return {
            "x": self.coords[:, 0].tolist(),
            "y": self.coords[:, 1].tolist(),
            "attention": [float(f"{value:.4g}") for value in self.attention],
            "square_width_px": self.width_px,
            "square_height_px": self.height_px,
            "mean": float(f"{self.mean:.4g}"),
            "merged": self.merged,
        }


def thin_out(
    coords: npt.NDArray[np.int32],
    attention: npt.NDArray[np.float32],
    tile: tuple[float, float],
    largest: int = LARGEST_MAP,
) -> AttentionMap:
    """Merge k x k tiles into one square, k the smallest that leaves at most about `largest` squares.

    `coords` int32 [n, 2] and `tile` (width, height) are in level-0 pixels, `attention` float32 [n].
    """
    k = max(1, ceil(sqrt(len(coords) / largest)))
    mean = float(attention.mean(dtype=np.float64)) if len(attention) else 0.0
    side = np.array(tile, dtype=np.float64) * k
    if k == 1:
        return AttentionMap(coords, attention, *tile, mean, merged=1)
    squares, place = np.unique(np.floor((coords + 0.5) / side).astype(np.int64), axis=0, return_inverse=True)
    highest = np.zeros(len(squares), dtype=np.float32)
    np.maximum.at(highest, place.ravel(), attention)
    return AttentionMap(np.rint(squares * side).astype(np.int32), highest, side[0], side[1], mean, merged=k)
