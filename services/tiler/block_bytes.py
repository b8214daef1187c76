"""A file read in blocks: stored tiles lie next to each other, and each read would ask another process."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from services.tiler.byte_source import ByteSource

BLOCK = 2**17
"""Bytes of a block."""
_BLOCKS = 64
"""Blocks that are kept: a few for each thread that reads."""


class BlockBytes:
    """A byte source over another one, which it closes. Safe to use from several threads."""

    def __init__(self, source: ByteSource) -> None:
        self.name = source.name
        self.path: Path | None = source.path
        self.size = source.size
        self._source = source
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = Lock()

    def read(self, at: int, size: int) -> bytes:
        """Read bytes [at, at + size); fewer where the file ends."""
        if size > BLOCK:
            return self._source.read(at, size)
        first, last = at // BLOCK, (at + max(1, size) - 1) // BLOCK
        start = at - first * BLOCK
        head = self._block(first)[start : start + size]
        return head if first == last else head + self._block(last)[: size - len(head)]

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _block(self, number: int) -> bytes:
        with self._lock:
            block = self._blocks.get(number)
        if block is None:
            block = self._source.read(number * BLOCK, BLOCK)
            with self._lock:
                self._blocks[number] = block
                if len(self._blocks) > _BLOCKS:
                    self._blocks.popitem(last=False)
        return block
