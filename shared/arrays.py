"""Arrays as types."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Members = NDArray[np.uint8]
"""uint8 [n], the number of the prototype or class of each tile."""
Corners = NDArray[np.int32]
"""int32 [n, 2], upper left corners of tiles in level-0 pixels."""
