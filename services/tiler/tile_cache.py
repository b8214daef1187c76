"""Decoded tiles of a level that are still of use, shared by threads."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from threading import Lock

import numpy as np

from services.tiler.ports import Rgb


class Gap(Enum):
    """A stored tile has no pixels."""

    NOTHING_STORED = "nothing stored"
    CORRUPT = "corrupt"


Stored = Rgb | Gap
TileKey = tuple[int, int]
"""Column, row."""


@dataclass(slots=True)
class _Entry:
    tile: Stored
    unread: int
    """Bytes of its pixels that nobody has taken yet."""


class TileCache:
    """Stored tiles whose pixels were not all taken yet, the most recently used ones up to a number of bytes.

    Tiles of a grid take each pixel once, so a tile leaves with its last pixel, and its memory serves the next one.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[TileKey, _Entry] = OrderedDict()
        self._lock = Lock()

    def get(self, key: TileKey) -> Stored | None:
        """A tile; None if it is not here."""
        entry = self._entries.get(key)
        return None if entry is None else entry.tile

    def keep(self, key: TileKey, tile: Stored, copied: int, size: int) -> None:
        """Keep a tile of `size` bytes, of which `copied` have just been taken, unless they were the last."""
        if copied == size:
            return
        with self._lock:
            entry = self._entries.get(key)
            unread = (size if entry is None else entry.unread) - copied
            if entry is not None:
                self._drop(key)
            if unread > 0:
                self._entries[key] = _Entry(tile, unread)
                self._bytes += _size(tile)
            while self._bytes > self._max_bytes and self._entries:
                self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Drop all tiles."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _drop(self, key: TileKey) -> None:
        self._bytes -= _size(self._entries.pop(key).tile)


def _size(tile: Stored) -> int:
    return tile.nbytes if isinstance(tile, np.ndarray) else 64
