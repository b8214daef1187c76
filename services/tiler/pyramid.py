"""Reads tiles and overview from pyramid levels: chooses the level and resamples."""

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from services.tiler.ports import Cut, Level, Mask, Origins, Overview, Resolution, Rgb, Tiles
from shared.arrays import Floats, Ints
from shared.preprocessing import Preprocessing
from shared.units import MicronsPerPx

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of one level."""
Boxes = Ints
"""int64 [n, 4]: x, y, width, height in pixels of one level."""

_ENLARGE = 1.02
"""A level may be this much coarser than wanted: levels are seldom exact powers of two."""
_HARDLY = 1.05
"""Up to this shrinkage two neighbours make a pixel; averaging areas gives the same."""
_AS_IT_IS = 0.02
"""Up to this difference from the wanted resolution, DCT preprocessing takes a level's pixels as they are."""
_CANVAS_BYTES = 4 * 2**20
"""Pixels that are read before they are resampled, at least one tile's."""
_BLOCK_PX = 1024
"""Overviews are read in blocks of about this side, in pixels of the level, whatever the free memory."""
_SMALLEST_BLOCK_PX = 128
"""A block that fails to decode is split down to this side."""


class PixelSource(Protocol):
    """Pixels of pyramid levels, as one format stores them. Safe to use from several threads."""

    reader: str
    """See `SlideFacts`."""
    levels: tuple[Level, ...]
    reduced_levels: tuple[Level, ...]
    """The same, and after them those that its JPEG tiles give when they are decoded smaller."""

    def read(self, level: int, boxes: Boxes, out: Rgb) -> Mask:
        """Write the pixels of boxes of one size to `out`, uint8 [n, height, width, 3].

        Returns which boxes have pixels that fail to decode, bool [n].
        """

    @property
    def stored_px(self) -> int:
        """Side of the full resolution's stored tiles where they are square and known, else 0."""

    def stored_jpeg(self, level: int, box: Box) -> bytes | None:
        """The stored JPEG file whose pixels are exactly those of a box on its level; None if there is none."""

    def damaged(self, level: int, boxes: Boxes) -> Mask:
        """Which boxes `read` has no pixels for, bool [n]."""

    def close(self) -> None:
        """Close files and release caches."""


def best_level(levels: Sequence[Level], shrink: float) -> int:
    """The coarsest level that is still at least as fine as level 0 shrunk by `shrink`."""
    fit = [i for i, level in enumerate(levels) if level.downsample <= shrink * _ENLARGE]
    return max(fit, key=lambda i: levels[i].downsample, default=0)


def read_region(source: PixelSource, level: int, box: Box) -> Rgb | None:
    """Pixels of a box of a level, uint8 [height, width, 3]; None where any of them fails to decode."""
    pixels = np.empty((1, box[3], box[2], 3), np.uint8)
    return None if source.read(level, np.array([box], np.int64), pixels)[0] else pixels[0]


def read_tiles(source: PixelSource, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
    """Read tiles as their preprocessing has it; pixels uint8 [n, px, px, 3], those of `out` if given, corrupt bool [n].

    Memory that is read into again and again costs no page faults, which take a tenth of the time otherwise.
    """
    level, boxes = locate_tiles(source, origins, cut)
    pixels = np.empty((len(origins), cut.px, cut.px, 3), np.uint8) if out is None else out
    corrupt = np.zeros(len(origins), np.bool_)
    if len(boxes) and boxes[0, 2:].tolist() == [cut.px, cut.px]:
        corrupt = source.read(level, boxes, pixels)
    elif len(boxes):
        step = max(1, _CANVAS_BYTES // int(boxes[0, 2:].prod() * 3))
        for batch in (slice(start, start + step) for start in range(0, len(boxes), step)):
            corrupt[batch] = _read_resampled(source, level, boxes[batch], pixels[batch])
    pixels[corrupt] = 0
    return Tiles(pixels, corrupt)


def _read_resampled(source: PixelSource, level: int, boxes: Boxes, out: Rgb) -> Mask:
    width, height = boxes[0, 2:].tolist()
    regions = np.empty((len(boxes), height, width, 3), np.uint8)
    corrupt = source.read(level, boxes, regions)
    for region, tile in zip(regions, out, strict=True):
        _resample(region, tile)
    return corrupt


def find_damaged(source: PixelSource, origins: Origins, cut: Cut) -> Mask:
    """Which tiles `read_tiles` would mark as corrupt, bool [n]."""
    return source.damaged(*locate_tiles(source, origins, cut))


def locate_tiles(source: PixelSource, origins: Origins, cut: Cut) -> tuple[int, Boxes]:
    """The level that tiles are read from, and where they lie on it."""
    levels = source.reduced_levels if cut.preprocessing is Preprocessing.DCT else source.levels
    level = best_level(levels, min(cut.width_px, cut.height_px) / cut.px)
    return level, tile_boxes(levels, level, origins, cut)


def tile_boxes(levels: Sequence[Level], level: int, origins: Origins, cut: Cut) -> Boxes:
    """Where tiles lie on a level: rounded to its pixels and held inside it."""
    size = np.array([levels[level].width_px, levels[level].height_px])
    scale = size / [levels[0].width_px, levels[0].height_px]
    if cut.preprocessing is Preprocessing.DCT:  # sizes of reduced levels are rounded up
        scale[:] = 1 / levels[level].downsample
    sides, shift = _sides(cut, np.array([cut.width_px, cut.height_px]) * scale)
    corners = np.rint(origins * scale + shift).astype(np.int64)
    held = np.clip(corners, 0, np.maximum(0, size - sides))
    return np.hstack([held, np.broadcast_to(np.minimum(sides, size), held.shape)])


def _sides(cut: Cut, covered: Floats) -> tuple[Ints, Floats]:
    """Width and height of a tile that covers so many pixels of a level, and by how much its corner is moved."""
    if cut.preprocessing is Preprocessing.DCT and np.abs(covered / cut.px - 1).max() <= _AS_IT_IS:
        return np.full(2, cut.px, np.int64), (covered - cut.px) / 2
    return np.maximum(1, np.rint(covered)).astype(np.int64), np.zeros(2)


def read_overview(source: PixelSource, resolution: Resolution, um_per_px: MicronsPerPx) -> Overview:
    """Read the whole slide at `um_per_px`, block by block."""
    shrink_x, shrink_y = um_per_px / resolution.mpp_x, um_per_px / resolution.mpp_y
    full = source.levels[0]
    width, height = max(1, round(full.width_px / shrink_x)), max(1, round(full.height_px / shrink_y))
    overview = Overview(np.full((height, width, 3), 255, np.uint8), np.zeros((height, width), np.bool_))
    level = best_level(source.levels, min(shrink_x, shrink_y))
    across = max(1, int(_BLOCK_PX * width / source.levels[level].width_px))
    down = max(1, int(_BLOCK_PX * height / source.levels[level].height_px))
    for y in range(0, height, down):
        for x in range(0, width, across):
            _fill(overview, source, level, (x, y, min(x + across, width), min(y + down, height)))
    return overview


def _fill(overview: Overview, source: PixelSource, level: int, region: tuple[int, int, int, int]) -> None:
    """Read one rectangle (x0, y0, x1, y1) of the overview, splitting it if it fails to decode."""
    x0, y0, x1, y1 = region
    box = _level_box(overview, source.levels[level], region)
    x, y, width, height = box[0].tolist()
    pixels = read_region(source, level, (x, y, width, height))
    if pixels is not None:
        overview.pixels[y0:y1, x0:x1] = resampled(pixels, x1 - x0, y1 - y0)
        overview.readable[y0:y1, x0:x1] = True
    elif box[0, 2:].max() > _SMALLEST_BLOCK_PX and max(x1 - x0, y1 - y0) > 1:
        for quarter in _quarters(region):
            _fill(overview, source, level, quarter)


def _level_box(overview: Overview, level: Level, region: tuple[int, int, int, int]) -> Boxes:
    height, width = overview.readable.shape
    scale = np.array([level.width_px / width, level.height_px / height])
    start = np.floor(np.array(region[:2]) * scale).astype(np.int64)
    end = np.minimum(np.ceil(np.array(region[2:]) * scale), [level.width_px, level.height_px]).astype(np.int64)
    return np.concatenate([start, end - start])[None, :]


def _quarters(region: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    x0, y0, x1, y1 = region
    x, y = (x0 + x1 + 1) // 2, (y0 + y1 + 1) // 2
    quarters = [(x0, y0, x, y), (x, y0, x1, y), (x0, y, x, y1), (x, y, x1, y1)]
    return [(a, b, c, d) for a, b, c, d in quarters if c > a and d > b]


def _resample(region: Rgb, out: Rgb) -> None:
    """Average over areas; at small shrinkage, weighting two neighbours is the same and much faster."""
    height, width = out.shape[:2]
    if region.shape == out.shape:
        out[:] = region
    elif max(region.shape[0] / height, region.shape[1] / width) <= _HARDLY:
        cv2.resize(region, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)
    else:
        cv2.resize(region, (width, height), dst=out, interpolation=cv2.INTER_AREA)


def resampled(region: Rgb, width: int, height: int) -> Rgb:
    """A picture averaged over areas to uint8 [height, width, 3]."""
    out = np.empty((height, width, 3), np.uint8)
    _resample(region, out)
    return out
