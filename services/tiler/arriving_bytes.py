"""All bytes of a slide, in order and hashed, while a reader takes those that it needs from a window of them."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median_low
from threading import Condition, Thread

from services.tiler.bucket_bytes import BucketBytes
from services.tiler.in_place import whole_digest
from shared.blob.port import BlobInfo, BlobStore
from shared.errors import MedullaError, TransientError
from shared.units import Sha256

PART = 2**22
"""Bytes of one request."""
_AHEAD = 8
"""Requests at once."""
_KEPT = 6
"""Parts that may be hashed before the reader comes to them."""
_BEHIND = 3
"""Parts behind the reader that its threads may still need."""
_NEAR = 32
"""Parts that the reader waits for; those further on it asks the store for itself, in small blocks."""
_RECENT = 7
"""Reads whose median is where the reader is: tables of tiles lie elsewhere in the file."""
_CACHE_BYTES = 2**24


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes [start, end) of a file, one request."""

    file: int
    start: int
    end: int


class ArrivingBytes:
    """Exactly these versions of a slide's files. Safe to use from several threads; memory for 17 parts at most.

    The first failure is kept in `failure`, as whoever asked for the bytes is another process.
    """

    def __init__(self, blobs: BlobStore, files: Sequence[BlobInfo]) -> None:
        self._blobs = blobs
        self._direct = BucketBytes(blobs, files, _CACHE_BYTES)
        self.files = self._direct.files
        self._spans = tuple(_spans(files))
        numbers = list(enumerate(self._spans))
        self._first = [next((i for i, span in numbers if span.file == n), 0) for n in range(len(files))]
        self._pool = ThreadPoolExecutor(_AHEAD, "arriving")
        self._changed = Condition()
        self._window: dict[int, Future[bytes]] = {}
        self._submitted = 0
        self._recent: deque[int] = deque([0], _RECENT)
        self._awaited: list[int] = []
        self._closed = False
        self._failure: MedullaError | None = None
        self._digest: Future[Sha256] = Future()
        self._thread = Thread(target=self._hash_all, name="hash", daemon=True)

    @property
    def failure(self) -> MedullaError | None:
        """The first failure."""
        return self._failure or self._direct.failure

    @property
    def waiting(self) -> int:
        """Requests to the store that have no answer yet, for which the reader waits."""
        return self._direct.waiting + len(self._awaited)

    def start(self) -> None:
        """The slide is open: let all of its bytes come."""
        self._direct.opened()
        self._thread.start()

    def read(self, file: int, at: int, size: int) -> bytes:
        """Read bytes [at, at + size) of a file; fewer where it ends.

        Raises:
            ValueError: the request is out of bounds.
            MedullaError: the store does not give the bytes; kept in `failure`.
        """
        inside = 0 <= file < len(self.files) and 0 <= at < at + size <= self.files[file].size
        if self._thread.ident is None or not inside or size > PART:
            return self._direct.read(file, at, size)
        first, last = (self._first[file] + place // PART for place in (at, at + size - 1))
        parts = [self._arrived(number) for number in range(first, last + 1)]
        if None in parts:
            return self._direct.read(file, at, size)
        start = at % PART
        return b"".join(data or b"" for data in parts)[start : start + size]

    def digest(self, check: Callable[[], None], every_s: float) -> Sha256:
        """Digest of the slide, once all of it has come; `check` is called meanwhile.

        Raises:
            MedullaError: the store does not give the bytes.
        """
        with self._changed:
            self._awaited.append(len(self._spans))
            self._changed.notify_all()
        while not self._digest.done():
            check()
            with self._changed:
                self._changed.wait_for(self._digest.done, every_s)
        return self._digest.result()

    def close(self) -> None:
        """Ask for nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._pool.shutdown(wait=False)

    def _arrived(self, number: int) -> bytes | None:
        """A part, waited for if it is near; None if it is not, or has been dropped."""
        with self._changed:
            self._recent.append(number)
            self._changed.notify_all()
            if number not in self._window and not self._submitted <= number < self._submitted + _NEAR:
                return None
            with self._awaiting(number):
                self._changed.wait_for(lambda: number in self._window or number < self._submitted or self._ended)
                arrival = self._window.get(number)
        return None if arrival is None else arrival.result()

    @property
    def _ended(self) -> bool:
        return self._closed or self._digest.done()

    @contextmanager
    def _awaiting(self, number: int) -> Iterator[None]:
        self._awaited.append(number)
        try:
            yield
        finally:
            self._awaited.remove(number)

    def _hash_all(self) -> None:
        try:
            digest = whole_digest([self._hash(number) for number in range(len(self.files))])
        except MedullaError as error:
            self._failure = self._failure or error
            self._digest.set_exception(error)
        else:
            self._digest.set_result(digest)
        with self._changed:
            self._changed.notify_all()

    def _hash(self, file: int) -> Sha256:
        digest = hashlib.sha256()
        for number, span in enumerate(self._spans):
            if span.file == file:
                digest.update(self._next(number).result())
                self._passed(number)
        return Sha256(digest.hexdigest())

    def _next(self, number: int) -> Future[bytes]:
        """The part to hash, when the reader is near enough; those after it are asked for."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or number <= self._furthest())
            if self._closed:
                raise TransientError("the slide is read again later, because its stream ended")
            while self._submitted < min(number + _AHEAD, len(self._spans)):
                self._window[self._submitted] = self._pool.submit(self._fetch, self._spans[self._submitted])
                self._submitted += 1
            self._changed.notify_all()
            return self._window[number]

    def _furthest(self) -> int:
        return max([median_low(self._recent) + _KEPT, *self._awaited])

    def _passed(self, number: int) -> None:
        """Drop hashed parts that the reader has passed, and the oldest where the next part would be one too many."""
        with self._changed:
            passed = median_low(self._recent) - _BEHIND
            for old in [n for n in self._window if n <= number]:
                if old < passed or len(self._window) >= _AHEAD + _KEPT + _BEHIND:
                    del self._window[old]

    def _fetch(self, span: _Span) -> bytes:
        try:
            return self._blobs.get_range(self.files[span.file], span.start, span.end)
        except MedullaError as error:
            self._failure = self._failure or error
            raise


def _spans(files: Sequence[BlobInfo]) -> Iterator[_Span]:
    for file, info in enumerate(files):
        for start in range(0, info.size, PART):
            yield _Span(file, start, min(start + PART, info.size))
