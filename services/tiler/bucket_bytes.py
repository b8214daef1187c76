"""Byte ranges of a slide's objects in the bucket, in blocks that are kept for a while; nothing is downloaded whole."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from shared.blob.port import BlobInfo, BlobStore
from shared.errors import CrashedWorkerError, MedullaError, TransientError

_BLOCK = 2**17
"""Bytes of a block: a few stored tiles, which are often neighbours."""
MAX_READ = 2**22
"""Most bytes of one read."""
_OPENING_BYTES = 2**26
"""Most bytes that are read to open a slide; what needs more is cheaper to download whole."""


class TooScatteredError(MedullaError):
    """The slide cannot be opened without reading much of it."""


class Ranges(Protocol):
    """Bytes of a slide's files, and why they do not come."""

    @property
    def failure(self) -> MedullaError | None:
        """The first failure."""

    @property
    def waiting(self) -> int:
        """Requests to the store that have no answer yet."""

    def read(self, file: int, at: int, size: int) -> bytes:
        """Read bytes [at, at + size) of a file, MAX_READ at most; fewer where it ends.

        Raises:
            ValueError: the request is out of bounds.
            MedullaError: the store does not give the bytes; kept in `failure`.
        """


def cause_of(source: Ranges, error: MedullaError | OSError) -> MedullaError | OSError:
    """Why a reader of these bytes failed: they did not come, or `error`."""
    if source.failure is not None:
        return source.failure
    if source.waiting and isinstance(error, CrashedWorkerError):
        return TransientError("the object store did not answer in time")
    return error


class BucketBytes:
    """Exactly these versions of a slide's files, read by ranges. Safe to use from several threads.

    The first failure is kept in `failure`, as whoever asked for the bytes is another process.
    """

    def __init__(self, blobs: BlobStore, files: Sequence[BlobInfo], cache_bytes: int) -> None:
        self.files = tuple(files)
        self.failure: MedullaError | None = None
        self.waiting = 0
        """Requests to the store that have no answer yet."""
        self._blobs = blobs
        self._cache_bytes = cache_bytes
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = Lock()
        self._left: int | None = _OPENING_BYTES

    def opened(self) -> None:
        """From now on the number of bytes is not limited."""
        self._left = None

    def read(self, file: int, at: int, size: int) -> bytes:
        """Read bytes [at, at + size) of a file, MAX_READ at most; fewer where it ends.

        Raises:
            ValueError: the request is out of bounds.
            MedullaError: the store does not give the bytes; kept in `failure`.
        """
        if not 0 <= file < len(self.files) or at < 0 or not 0 <= size <= MAX_READ:
            raise ValueError((file, at, size))
        end = min(at + size, self.files[file].size)
        if at >= end:
            return b""
        first, last = at // _BLOCK, (end - 1) // _BLOCK
        blocks = self._stretch(file, first, last)
        return b"".join(blocks)[at - first * _BLOCK : end - first * _BLOCK]

    def _stretch(self, file: int, first: int, last: int) -> list[bytes]:
        """Blocks `first` to `last` of a file; missing ones come in one request."""
        wanted = range(first, last + 1)
        with self._lock:
            known = {number: self._known(file, number) for number in wanted}
        missing = [number for number in wanted if known[number] is None]
        if missing:
            fetched = self._fetch(file, missing[0], missing[-1])
            known.update(fetched)
            with self._lock:
                self._keep(file, fetched)
        return [known[number] or b"" for number in wanted]

    def _known(self, file: int, number: int) -> bytes | None:
        key = (file, number)
        if key in self._blocks:
            self._blocks.move_to_end(key)
        return self._blocks.get(key)

    def _keep(self, file: int, fetched: dict[int, bytes]) -> None:
        for number, block in fetched.items():
            self._blocks[file, number] = block
        while len(self._blocks) * _BLOCK > self._cache_bytes:
            self._blocks.popitem(last=False)

    def _fetch(self, file: int, first: int, last: int) -> dict[int, bytes]:
        start, end = first * _BLOCK, min((last + 1) * _BLOCK, self.files[file].size)
        with self._failures_kept():
            self._spend(end - start)
            data = self._blobs.get_range(self.files[file], start, end)
        offsets = range(0, len(data), _BLOCK)
        return {first + number: data[offset : offset + _BLOCK] for number, offset in enumerate(offsets)}

    def _spend(self, size: int) -> None:
        if self._left is None:
            return
        self._left -= size
        if self._left < 0:
            raise TooScatteredError(f"opening the slide needs more than {_OPENING_BYTES:,} of its bytes")

    @contextmanager
    def _failures_kept(self) -> Iterator[None]:
        with self._lock:
            self.waiting += 1
        try:
            yield
        except MedullaError as error:
            self.failure = self.failure or error
            raise
        finally:
            with self._lock:
                self.waiting -= 1
