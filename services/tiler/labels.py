"""Values looked up by label, some rows at a time: NumPy makes indexes of eight bytes of all that it gets at once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.tiler.ports import Mask

Labels = NDArray[np.int32]
"""int32 [height, width]: to which area, or nearest pixel, each pixel belongs."""
_ROWS = 256


def look_up(table: NDArray[np.bool_], labels: Labels) -> Mask:
    """The table's value for each pixel, bool [height, width]."""
    found = np.empty(labels.shape, np.bool_)
    for rows in _parts(labels):
        found[rows] = table[labels[rows]]
    return found


def under(mask: Mask, labels: Labels) -> NDArray[np.bool_]:
    """Which labels have a pixel in the mask, bool [largest label + 1]."""
    table = np.zeros(int(labels.max()) + 1, np.bool_)
    for rows in _parts(labels):
        table[labels[rows][mask[rows]]] = True
    return table


def _parts(labels: Labels) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, len(labels), _ROWS))
