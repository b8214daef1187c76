"""Decoded tiles of a level that are still of use, shared by threads."""

from collections import OrderedDict
from enum import Enum
from threading import Lock

from services.tiler.ports import Rgb


class Gap(Enum):
    """A stored tile has no pixels."""

    NOTHING_STORED = "nothing stored"
    CORRUPT = "corrupt"


Stored = Rgb | Gap
TileKey = tuple[int, int]
"""Column, row."""


class TileCache:
    """Stored tiles whose pixels were not all taken yet, the most recently used ones up to a number of bytes.

    Tiles of a grid take each pixel once, so a tile leaves with its last pixel, and its memory, which is still in the
    CPU's cache, serves the next one.
    """

    def __init__(self, max_bytes: int, tile_bytes: int) -> None:
        self._tile_bytes = tile_bytes
        self._most = max_bytes // tile_bytes
        self._entries: OrderedDict[TileKey, tuple[Stored, int]] = OrderedDict()
        """Tiles, and how many bytes of each nobody has taken yet."""
        self._lock = Lock()

    def get(self, key: TileKey) -> Stored | None:
        """A tile; None if it is not here."""
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def keep(self, key: TileKey, tile: Stored, copied: int, never_read: int = 0) -> None:
        """Keep a tile of which `copied` bytes have just been taken, unless `never_read` at most are left."""
        if self._tile_bytes - copied <= never_read:
            return
        with self._lock:
            entry = self._entries.pop(key, None)
            unread = (self._tile_bytes if entry is None else entry[1]) - copied
            if unread > never_read:
                self._entries[key] = (tile, unread)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Drop all tiles."""
        with self._lock:
            self._entries.clear()
