"""Label look-up in blocks of rows, since NumPy converts all labels of one call to 8-byte indexes."""

import numpy as np
from numpy.typing import NDArray

from services.tiler.ports import Mask

_ROWS = 256


def look_up(table: NDArray[np.bool_], labels: NDArray[np.int32]) -> Mask:
    """The table's value for each pixel's label, bool [height, width]."""
    values = np.empty(labels.shape, np.bool_)
    for start in range(0, len(labels), _ROWS):
        rows = slice(start, start + _ROWS)
        values[rows] = table[labels[rows]]
    return values
