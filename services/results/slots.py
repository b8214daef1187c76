"""Lets few calls run at once, so that other requests find threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from shared.errors import TransientError

_WAIT_S = 2.0


class Slots:
    """A number of slots, for several threads; a call that finds none free for 2 s raises the error of `refusal`."""

    def __init__(self, count: int, refusal: Callable[[], TransientError]) -> None:
        self._free = BoundedSemaphore(count)
        self._refusal = refusal

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a slot as long as the block lasts."""
        if not self._free.acquire(timeout=_WAIT_S):
            raise self._refusal()
        try:
            yield
        finally:
            self._free.release()
