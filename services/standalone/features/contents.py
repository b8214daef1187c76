"""What a feature file holds and says, before options complete it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.standalone.features.errors import BadFeatureFileError, UnknownFeatureFileError
from services.standalone.features.tool import Tool, Unit

Array = npt.NDArray[np.generic]
ReadRows = Callable[[int, int], Array]
"""Features [stop - start, d] of the tiles from start to stop."""
MOST_TILES, MOST_DIM = 4_000_000, 32_768


@dataclass(frozen=True, eq=False)
class Contents:
    """Features and coordinates of one slide; what is None, empty or 0 is what the file does not say."""

    tool: Tool | None
    tiles: int
    dim: int
    dtype: str
    """Of the features in the file."""
    read: ReadRows
    coords: npt.NDArray[np.float64] | None
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
    magnification: float = 0
    """Of level 0."""
    width_px: int = 0
    """Of the slide, level 0."""
    height_px: int = 0


def tiles_and_dim(shape: Sequence[int], dtype: npt.DTypeLike) -> tuple[int, int]:
    """Tiles and features a tile of an array of features [n, d], or [1, n, d] as older TRIDENT writes it.

    Raises:
        UnknownFeatureFileError: it has another shape or type.
        BadFeatureFileError: it has no tile, or more than a slide can have.
    """
    inner = shape[1:] if len(shape) == 3 and shape[0] == 1 else shape
    if len(inner) == 1:
        raise UnknownFeatureFileError("holds one vector of a slide, and no features of tiles")
    if len(inner) != 2 or np.dtype(dtype).kind != "f":
        raise UnknownFeatureFileError(f"has features of shape {tuple(shape)} and type {dtype}, not floats [n, d]")
    tiles, dim = inner
    if not tiles:
        raise BadFeatureFileError("holds no tile")
    if tiles > MOST_TILES or not 0 < dim <= MOST_DIM:
        raise BadFeatureFileError(f"has {tiles} tiles of {dim} features; {MOST_TILES} of {MOST_DIM} are read")
    return tiles, dim


def placed(coords: Array, tiles: int) -> npt.NDArray[np.float64]:
    """Coordinates [tiles, 2], which may come with a leading axis of one.

    Raises:
        BadFeatureFileError: they do not fit the tiles.
    """
    if coords.shape not in ((tiles, 2), (1, tiles, 2)):
        raise BadFeatureFileError(f"has {tiles} tiles, and coordinates of shape {coords.shape}")
    return coords.reshape(tiles, 2).astype(np.float64)
