"""Bulk reading of slides stored as a grid of compressed tiles: each is decoded once, strictly, then cut."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from services.tiler.ports import STORED_TILES, Mask, Rgb
from services.tiler.pyramid import Box, Boxes
from services.tiler.reduced_jpeg import ReducedJpeg
from services.tiler.tile_cache import Gap, Stored, TileCache
from services.tiler.tile_codecs import CorruptTileError, TileLayout, is_jpeg_of
from services.tiler.tile_store import TileStore
from shared.arrays import Ints

_ROWS = 4
"""Rows of stored tiles of a level that are held, so that cuts below find them decoded, with one row for each thread."""
_CACHE_BYTES = range(16 * 2**20, 96 * 2**20)
"""What these rows may take."""
_LARGE_TILES = 5
"""Tiles that are held whatever their size: large ones would otherwise be decoded repeatedly."""
_WHITE = 255


_UNKNOWN, _SOUND, _CORRUPT = range(3)
Verdicts = NDArray[np.uint8]
_Piece = tuple[int, int, int]
"""Number of a box, and in it the left and upper edge of a stored tile, in samples and rows; it may lie outside."""
_Rows = NDArray[np.uint8]
"""uint8 [n, height, width * 3]: pixels of boxes, each row in one run."""
_GAPS = 20
"""Boxes lie next to each other if at most 1/20 of their side is between them."""


class NativeTiles:
    """A pixel source over stored tiles."""

    reader = STORED_TILES

    def __init__(self, store: TileStore, cache_bytes: int | None = None) -> None:
        self._store = ReducedJpeg(store)
        self.levels = store.levels
        self.reduced_levels = self._store.levels
        self._verdicts: dict[int, Verdicts] = {}
        levels = range(len(self.reduced_levels))
        self._caches = [
            TileCache(self._room(level) if cache_bytes is None else cache_bytes, self._store.layouts[level].bytes)
            for level in levels
        ]

    def read(self, level: int, boxes: Boxes, out: Rgb) -> Mask:
        """Write the pixels of boxes of one size to `out`, uint8 [n, height, width, 3].

        Each stored tile is decoded and copied to all boxes over it while it is in the CPU's cache. Returns which boxes
        lie over a corrupt one, bool [n].
        """
        cache, side = self._caches[level], self._store.layouts[level]
        corrupt = np.zeros(len(boxes), np.bool_)
        rows = out.reshape(*out.shape[:2], -1)
        unread = _gap(boxes) * (side.width_px + side.height_px) * 3
        for (row, column), pieces in sorted(self._pieces(level, boxes).items()):
            tile = cache.get((column, row))
            if tile is None:
                tile = self._decode(level, column, row)
            if tile is Gap.CORRUPT:
                corrupt[[index for index, _, _ in pieces]] = True
            cache.keep((column, row), tile, _copy(tile, side, rows, pieces), unread)
        return corrupt

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
        for cache in self._caches:
            cache.clear()

    def _pieces(self, level: int, boxes: Boxes) -> dict[tuple[int, int], list[_Piece]]:
        """By row and column of each stored tile, the boxes over it and where its corner lies in them."""
        side = self._store.layouts[level]
        pieces: dict[tuple[int, int], list[_Piece]] = {}
        for index, box in enumerate(boxes.tolist()):
            for column, row in self._under(level, *box):
                piece = index, 3 * (column * side.width_px - box[0]), row * side.height_px - box[1]
                pieces.setdefault((row, column), []).append(piece)
        return pieces

    def _under(self, level: int, x: int, y: int, width: int, height: int) -> Iterator[tuple[int, int]]:
        """Column and row of each stored tile under a box, row by row."""
        side = self._store.layouts[level]
        for row in range(y // side.height_px, -(-(y + height) // side.height_px)):
            for column in range(x // side.width_px, -(-(x + width) // side.width_px)):
                yield column, row

    def _room(self, level: int) -> int:
        """Bytes for decoded tiles of a level."""
        side = self._store.layouts[level]
        rows = _ROWS * -(-self.reduced_levels[level].width_px // side.width_px) * side.bytes
        return max(_CACHE_BYTES.start, min(rows, _CACHE_BYTES.stop), _LARGE_TILES * side.bytes)

    def _verdicts_of(self, level: int) -> Verdicts:
        """Of each stored tile of a level, as far as known, uint8 [rows, columns]."""
        full, side = self.reduced_levels[level], self._store.layouts[level]
        shape = -(-full.height_px // side.height_px), -(-full.width_px // side.width_px)
        return self._verdicts.setdefault(level, np.zeros(shape, np.uint8))

    def _is_corrupt(self, verdicts: Verdicts, level: int, column: int, row: int) -> bool:
        if verdicts[row, column] == _UNKNOWN:
            verdicts[row, column] = _CORRUPT if self._decode(level, column, row) is Gap.CORRUPT else _SOUND
        return bool(verdicts[row, column] == _CORRUPT)

    def _decode(self, level: int, column: int, row: int) -> Stored:
        side = self._store.layouts[level]
        try:
            tile = self._store.decode(level, column, row)
        except CorruptTileError:
            return Gap.CORRUPT
        if tile is None:
            return Gap.NOTHING_STORED
        return tile if tile.shape == (side.height_px, side.width_px, 3) else Gap.CORRUPT


def _gap(boxes: Boxes) -> int:
    """Pixels of the widest gap between boxes of one size that lie next to each other: no box takes them."""
    sides = boxes[0, 2:].tolist() if len(boxes) else ()
    return max((_widest(boxes[:, axis], side) - side for axis, side in enumerate(sides)), default=0)


def _widest(starts: Ints, side: int) -> int:
    """Largest distance between neighbours, at least `side`.

    `np.unique` imports `numpy.ma`, which takes each slide's process longer than opening the slide.
    """
    steps = np.diff(np.sort(starts))
    return int(steps[steps <= side + side // _GAPS].max(initial=side))


def _copy(tile: Stored, side: TileLayout, boxes: _Rows, pieces: Iterable[_Piece]) -> int:
    """Copy what a stored tile has of the boxes over it, white where the format has no tile; returns its bytes."""
    height, width, copied = side.height_px, 3 * side.width_px, 0
    rows = None if isinstance(tile, Gap) else tile.reshape(height, width)
    for index, left, top in pieces:
        x, y = -left if left < 0 else 0, -top if top < 0 else 0
        target = boxes[index, top + y : top + height, left + x : left + width]
        down, across = target.shape
        target[...] = _WHITE if rows is None else rows[y : y + down, x : x + across]
        copied += down * across
    return copied
