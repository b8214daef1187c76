"""The prototype of every tile of a slide, thinned out so that a browser can draw it."""

from dataclasses import dataclass

import numpy as np

from services.results.squares import LARGEST_MAP, SquareColumns, Squares, squares_over
from shared.arrays import Corners, Members


class PrototypeColumns(SquareColumns):
    """Squares with the prototype of each."""

    prototype: list[int]


@dataclass(frozen=True, slots=True)
class PrototypeMap:
    """Squares with the prototype of each."""

    squares: Squares
    prototypes: Members
    """[m], of merged tiles the most frequent."""

    def as_json(self) -> PrototypeColumns:
        """Columns, as the page reads them."""
        return {**self.squares.columns(), "prototype": self.prototypes.tolist()}


def thin_out(
    coords: Corners, prototypes: Members, tile: tuple[float, float], largest: int = LARGEST_MAP
) -> PrototypeMap:
    """The map of tiles at `coords` int32 [n, 2] of size `tile`, level-0 pixels, with `prototypes` uint8 [n]."""
    squares = squares_over(coords, tile, largest)
    counts = np.zeros((len(squares.corners), 1 + int(prototypes.max(initial=0))), np.int64)
    np.add.at(counts, (squares.place, prototypes), 1)
    return PrototypeMap(squares, counts.argmax(axis=1).astype(np.uint8))
