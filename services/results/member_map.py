"""The prototype or class of every tile of a slide, thinned out so that a browser can draw it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.results.squares import LARGEST_MAP, Squares, squares_over
from shared.arrays import Corners, Members


@dataclass(frozen=True, slots=True)
class MemberMap:
    """Squares with the number of each."""

    squares: Squares
    members: Members
    """[m], of merged tiles the most frequent."""

    def as_json(self, column: str) -> Mapping[str, object]:
        """Columns, as the page reads them; the numbers are those of `column`."""
        return {**self.squares.columns(), column: self.members.tolist()}


def thin_out(coords: Corners, members: Members, tile: tuple[float, float], largest: int = LARGEST_MAP) -> MemberMap:
    """The map of tiles at `coords` int32 [n, 2] of size `tile`, level-0 pixels, with `members` uint8 [n]."""
    squares = squares_over(coords, tile, largest)
    counts = np.zeros((len(squares.corners), 1 + int(members.max(initial=0))), np.int64)
    np.add.at(counts, (squares.place, members), 1)
    return MemberMap(squares, counts.argmax(axis=1).astype(np.uint8))
