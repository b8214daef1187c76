"""One rectangle of a slide as a JPEG file: the stored tile where it is exactly that, else decoded and encoded again."""

import numpy as np
import simplejpeg

from services.tiler.errors import DamagedRegionError, NoLevelError
from services.tiler.limits import MAX_REGION_READ_PX
from services.tiler.ports import Layout, Level, Region, Rgb
from services.tiler.pyramid import Box, PixelSource, best_level, read_region, resampled

_QUALITY = 85
_VIEWER_PX = 128, 1024
"""Smallest and largest side of stored tiles that viewers ask for one by one."""
_USUAL_PX = 512
_ROUNDING_PX = 1
"""Pixels by which a level may differ from an exact fraction of the full resolution: writers round up or down."""


def layout_of(source: PixelSource, codec: str) -> Layout:
    """Size of a slide, and of its stored tiles if they are JPEG."""
    full = source.levels[0]
    return Layout(full.width_px, full.height_px, source.stored_px if codec == "jpeg" else 0)


def viewer_px(layout: Layout) -> int:
    """Side of the squares that a viewer asks for: of the stored tiles where these are neither tiny nor huge."""
    smallest, largest = _VIEWER_PX
    return layout.stored_px if smallest <= layout.stored_px <= largest else _USUAL_PX


def jpeg_of(source: PixelSource, region: Region) -> bytes:
    """The JPEG file of a region that lies within the slide.

    Raises:
        DamagedRegionError: it does not decode.
        NoLevelError: more than MAX_REGION_READ_PX would have to be read for it.
    """
    level = best_level(source.levels, _shrink(region))
    box = _box(source.levels[0], source.levels[level], region)
    if box[2:] == (region.out_width_px, region.out_height_px):
        stored = source.stored_jpeg(level, box)
        if stored is not None:
            return stored
    if box[2] * box[3] > MAX_REGION_READ_PX:
        raise NoLevelError("the slide stores no level that is coarse enough for this region")
    pixels = read_region(source, level, box)
    if pixels is None:
        raise DamagedRegionError("this region of the slide does not decode")
    return encoded(resampled(pixels, region.out_width_px, region.out_height_px))


def encoded(pixels: Rgb) -> bytes:
    """Pixels as a JPEG file."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), _QUALITY, "RGB", "420"))


def _shrink(region: Region) -> float:
    return max(region.width_px / region.out_width_px, region.height_px / region.out_height_px)


def _box(full: Level, level: Level, region: Region) -> Box:
    """Where a region lies on a level, held inside it; exact where the level is a whole fraction of the slide."""
    across, down = _step(full.width_px, level.width_px), _step(full.height_px, level.height_px)
    left, right = _held(region.x_px / across, (region.x_px + region.width_px) / across, level.width_px)
    top, bottom = _held(region.y_px / down, (region.y_px + region.height_px) / down, level.height_px)
    return left, top, right - left, bottom - top


def _step(full_px: int, level_px: int) -> float:
    """Level-0 pixels of one pixel of a level."""
    whole = max(1, round(full_px / level_px))
    return whole if abs(full_px / whole - level_px) <= _ROUNDING_PX else full_px / level_px


def _held(start: float, end: float, most: int) -> tuple[int, int]:
    """A range of whole pixels, at least one, inside of 0 to `most`."""
    first = min(max(0, round(start)), most - 1)
    return first, min(max(first + 1, round(end)), most)
