"""A file read in blocks: stored tiles lie next to each other, and each read would ask another process."""

import errno
import os
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path
from threading import Lock

from services.tiler.byte_source import ByteSource

VIEW_BLOCK = 2**17
"""Bytes of a block while a slide is opened, or where a few tiles are looked at."""
STREAM_BLOCK = 2**20
"""Bytes of a block where nearly all of the file is read: each one is asked for by one message to another process."""
_KEPT_BYTES = 2**23
"""Blocks that are kept: a few for each thread that reads."""


class BlockBytes:
    """A byte source over another one, which it closes. Safe to use from several threads, which share what one reads."""

    def __init__(self, source: ByteSource) -> None:
        self.name = source.name
        self.path: Path | None = source.path
        self.size = source.size
        self._source = source
        self._block_bytes = VIEW_BLOCK
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._lock = Lock()

    def read(self, at: int, size: int) -> bytes:
        """Read bytes [at, at + size); fewer where the file ends."""
        block = self._block_bytes
        if size > block:
            return self._source.read(at, size)
        first, last = at // block, (at + max(1, size) - 1) // block
        start = at - first * block
        head = self._block(first)[start : start + size]
        return head if first == last else head + self._block(last)[: size - len(head)]

    def grow(self, block: int) -> None:
        """Read blocks of this size from now on; not while threads read."""
        self._block_bytes = block
        self._blocks.clear()

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _block(self, number: int) -> bytes:
        with self._lock:
            block = self._blocks.get(number)
            is_missing = block is None
            if block is None:
                block = self._blocks[number] = Future()
                if len(self._blocks) * self._block_bytes > _KEPT_BYTES:
                    self._blocks.popitem(last=False)
        if is_missing:
            self._read(number, block)
        return block.result()

    def _read(self, number: int, block: Future[bytes]) -> None:
        """Fill a block; one that fails is not kept, so that it can be asked for again."""
        try:
            block.set_result(self._source.read(number * self._block_bytes, self._block_bytes))
        finally:
            if not block.done():
                with self._lock:
                    self._blocks.pop(number, None)
                block.set_exception(OSError(errno.EIO, os.strerror(errno.EIO)))
