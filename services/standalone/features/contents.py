"""What a feature file holds and says, before options complete it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.standalone.features.tool import Tool, Unit

ReadRows = Callable[[int, int], npt.NDArray[np.generic]]
"""Features [stop - start, d] of the tiles from start to stop."""


@dataclass(frozen=True, eq=False)
class Contents:
    """Features and coordinates of one slide; what is None, empty or 0 is what the file does not say."""

    tool: Tool
    tiles: int
    dim: int
    dtype: str
    """Of the features in the file."""
    read: ReadRows
    coords: npt.NDArray[np.float64]
    """[n, 2] x and y of upper left corners, in `unit`."""
    unit: Unit | None = None
    encoder: str = ""
    tile_px: int | None = None
    """Side of a tile in pixels, as the tool cut it."""
    tile_um: float | None = None
    """Side in microns."""
    side_px: float | None = None
    """Side in level-0 pixels."""
    overlap_px: float = 0
    width_px: int = 0
    """Of the slide, level 0."""
    height_px: int = 0
