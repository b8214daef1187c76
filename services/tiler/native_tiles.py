"""Bulk reading of slides stored as a grid of compressed tiles: each is decoded once, strictly, then cut."""

from collections import OrderedDict
from collections.abc import Iterator
from enum import Enum
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.tiler.ports import Level, Mask, Rgb
from services.tiler.pyramid import Box, Boxes
from services.tiler.tile_codecs import CorruptTileError, TileLayout, is_jpeg_of

_CACHE_BYTES = 96 * 2**20
"""Room for the stored tiles of one row of a wide slide, so that the next row of cuts finds them decoded."""
_LARGE_TILES = 5
"""Tiles that are held whatever their size: large ones would otherwise be decoded repeatedly."""


_UNKNOWN, _SOUND, _CORRUPT = range(3)
Verdicts = NDArray[np.uint8]


class TileStore(Protocol):
    """Stored tiles of a slide, decoded one by one."""

    levels: tuple[Level, ...]
    layouts: tuple[TileLayout, ...]

    def decode(self, level: int, column: int, row: int) -> Rgb | None:
        """One stored tile, uint8 of the layout's size; None if the format has no tile there.

        Raises:
            CorruptTileError: its bytes do not decode.
        """

    def stored_jpeg(self, level: int, column: int, row: int) -> bytes | None:
        """The JPEG file of one stored tile; None if there is none, or in another compression.

        Raises:
            CorruptTileError: its bytes are missing.
        """

    def close(self) -> None:
        """Close files."""


class NativeTiles:
    """A pixel source over stored tiles."""

    def __init__(self, store: TileStore, cache_bytes: int | None = None) -> None:
        self.levels = store.levels
        self._store = store
        largest = max((layout.bytes for layout in store.layouts), default=0)
        room = max(_CACHE_BYTES, _LARGE_TILES * largest)
        self._verdicts: dict[int, Verdicts] = {}
        self._cache = _TileCache(room if cache_bytes is None else cache_bytes)

    def regions(self, level: int, boxes: Boxes) -> Iterator[Rgb | None]:
        """Pixels of each box, uint8 [height, width, 3]; None where a stored tile under it is corrupt."""
        for x, y, width, height in boxes.tolist():
            try:
                yield self._region(level, x, y, width, height)
            except CorruptTileError:
                yield None

    def damaged(self, level: int, boxes: Boxes) -> Mask:
        """Which boxes lie over a corrupt stored tile, bool [n]; each stored tile is decoded once."""
        verdicts = self._verdicts_of(level)
        under = (self._under(level, *box) for box in boxes.tolist())
        return np.array([any(self._is_corrupt(verdicts, level, *at) for at in places) for places in under], np.bool_)

    @property
    def stored_px(self) -> int:
        """Side of the full resolution's stored tiles where they are square, else 0."""
        side = self._store.layouts[0]
        return side.width_px if side.width_px == side.height_px else 0

    def stored_jpeg(self, level: int, box: Box) -> bytes | None:
        """The stored JPEG whose pixels are exactly those of a box that lies on its level; None if there is none."""
        x, y, width, height = box
        side = self._store.layouts[level]
        if (width, height) != (side.width_px, side.height_px) or x % width or y % height:
            return None
        try:
            data = self._store.stored_jpeg(level, x // width, y // height)
        except CorruptTileError:
            return None
        return data if data is not None and is_jpeg_of(data, side) else None

    def close(self) -> None:
        """Close the store and drop decoded tiles."""
        self._store.close()
        self._cache = _TileCache(0)

    def _region(self, level: int, x: int, y: int, width: int, height: int) -> Rgb:
        side = self._store.layouts[level]
        canvas = np.full((height, width, 3), 255, np.uint8)
        for column, row in self._under(level, x, y, width, height):
            tile = self._tile(level, column, row)
            if tile is not None:
                _paste(canvas, tile, column * side.width_px - x, row * side.height_px - y)
        return canvas

    def _under(self, level: int, x: int, y: int, width: int, height: int) -> Iterator[tuple[int, int]]:
        """Column and row of each stored tile under a box, row by row."""
        side = self._store.layouts[level]
        for row in range(y // side.height_px, -(-(y + height) // side.height_px)):
            for column in range(x // side.width_px, -(-(x + width) // side.width_px)):
                yield column, row

    def _verdicts_of(self, level: int) -> Verdicts:
        """Of each stored tile of a level, as far as known, uint8 [rows, columns]."""
        full, side = self.levels[level], self._store.layouts[level]
        shape = -(-full.height_px // side.height_px), -(-full.width_px // side.width_px)
        return self._verdicts.setdefault(level, np.zeros(shape, np.uint8))

    def _is_corrupt(self, verdicts: Verdicts, level: int, column: int, row: int) -> bool:
        if verdicts[row, column] == _UNKNOWN:
            verdicts[row, column] = _CORRUPT if self._decode(level, column, row) is Gap.CORRUPT else _SOUND
        return bool(verdicts[row, column] == _CORRUPT)

    def _tile(self, level: int, column: int, row: int) -> Rgb | None:
        key = (level, column, row)
        stored = self._cache.get(key)
        if stored is None:
            stored = self._decode(level, column, row)
            self._cache.put(key, stored)
        if stored is Gap.CORRUPT:
            raise CorruptTileError(f"tile {column}, {row} of level {level} is damaged")
        return stored if isinstance(stored, np.ndarray) else None

    def _decode(self, level: int, column: int, row: int) -> "Stored":
        side = self._store.layouts[level]
        try:
            tile = self._store.decode(level, column, row)
        except CorruptTileError:
            return Gap.CORRUPT
        if tile is None:
            return Gap.NOTHING_STORED
        return tile if tile.shape == (side.height_px, side.width_px, 3) else Gap.CORRUPT


class Gap(Enum):
    """A stored tile has no pixels."""

    NOTHING_STORED = "nothing stored"
    CORRUPT = "corrupt"


Stored = Rgb | Gap


def _paste(canvas: Rgb, tile: Rgb, x: int, y: int) -> None:
    """Copy the part of `tile` that falls on `canvas` when its corner lies at (x, y)."""
    left, top = max(0, x), max(0, y)
    right, bottom = min(canvas.shape[1], x + tile.shape[1]), min(canvas.shape[0], y + tile.shape[0])
    if right > left and bottom > top:
        canvas[top:bottom, left:right] = tile[top - y : bottom - y, left - x : right - x]


_Key = tuple[int, int, int]


class _TileCache:
    """The most recently used stored tiles, up to a number of bytes; shared by threads."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._tiles: OrderedDict[_Key, Stored] = OrderedDict()
        self._lock = Lock()

    def get(self, key: _Key) -> Stored | None:
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
            return self._tiles.get(key)

    def put(self, key: _Key, tile: Stored) -> None:
        with self._lock:
            if key in self._tiles:
                return
            self._tiles[key] = tile
            self._bytes += _size(tile)
            while self._bytes > self._max_bytes and self._tiles:
                self._bytes -= _size(self._tiles.popitem(last=False)[1])


def _size(tile: Stored) -> int:
    return tile.nbytes if isinstance(tile, np.ndarray) else 64
