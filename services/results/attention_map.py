"""A slide's attention, thinned out so that a browser can draw it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.results.squares import LARGEST_MAP, SquareColumns, Squares, squares_over
from shared.arrays import Corners


class AttentionColumns(SquareColumns):
    """Squares with the attention of each."""

    attention: list[float]
    mean: float


@dataclass(frozen=True, slots=True)
class AttentionMap:
    """Squares with the attention of each."""

    squares: Squares
    attention: npt.NDArray[np.float32]
    """[m], share of the case's attention; of merged tiles the highest, so that no hot spot is lost."""
    mean: float
    """Of the slide's tiles, before any were merged."""

    def as_json(self) -> AttentionColumns:
        """Columns, as the page reads them."""
        return {
            **self.squares.columns(),
            "attention": [float(f"{value:.4g}") for value in self.attention],
            "mean": float(f"{self.mean:.4g}"),
        }


def thin_out(
    coords: Corners, attention: npt.NDArray[np.float32], tile: tuple[float, float], largest: int = LARGEST_MAP
) -> AttentionMap:
    """The map of tiles at `coords` int32 [n, 2] of size `tile`, level-0 pixels, with `attention` float32 [n]."""
    squares = squares_over(coords, tile, largest)
    highest = np.zeros(len(squares.corners), dtype=np.float32)
    np.maximum.at(highest, squares.place, attention)
    return AttentionMap(squares, highest, float(attention.mean(dtype=np.float64)) if len(attention) else 0.0)
