"""Entries of a TIFF's tables of tiles, read a block at a time: those of large slides are large."""

import numpy as np

from services.tiler.byte_source import ByteSource
from services.tiler.tiff_page import Table
from services.tiler.tile_codecs import CorruptTileError
from shared.arrays import Ints

_ENTRIES = 4096
"""Of a block."""
_BLOCKS = 256
"""Blocks that are kept, 16 MiB at most."""


class TableBlocks:
    """Tables of one file; safe to use from several threads."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._blocks: dict[tuple[int, int], Ints] = {}

    def entry(self, table: Table | None, index: int) -> int:
        """One number of a table.

        Raises:
            CorruptTileError: there is no table, or it or the file ends before the entry.
        """
        if table is None or index >= table.items:
            raise CorruptTileError("the page has no table that lists this tile")
        number, within = divmod(index, _ENTRIES)
        block = self._blocks.get((table.at, number))
        if block is None:
            block = self._read(table, number)
        if within >= len(block):
            raise CorruptTileError("the file ends within the page's table of tiles")
        return int(block[within])

    def _read(self, table: Table, number: int) -> Ints:
        first = number * _ENTRIES
        at, size = table.place(first)
        data = self._source.read(at, min(_ENTRIES, table.items - first) * size)
        block = np.frombuffer(data[: len(data) // size * size], table.dtype).astype(np.int64)
        if len(self._blocks) >= _BLOCKS:
            self._blocks.clear()
        self._blocks[table.at, number] = block
        return block
