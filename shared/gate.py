"""Runs work in parallel, but suspected crashers alone, so that a crash affects no other work."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

_PATIENCE_S = 900.0
"""How long to wait for others, so that hung work does not block exclusive work, or the reverse, for ever."""


class Gate:
    """A readers-writer lock with time-outs that prefers exclusive work."""

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._changed = Condition()
        self._shared = 0
        self._exclusive = 0
        self._queued = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work in parallel, once no exclusive work runs or waits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._exclusive and not self._queued, self._patience_s)
            self._shared += 1
        try:
            yield
        finally:
            with self._changed:
                self._shared -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Work exclusively."""
        with self._changed:
            self._queued += 1
            self._changed.wait_for(lambda: not self._exclusive and not self._shared, self._patience_s)
            self._queued -= 1
            self._exclusive += 1
        try:
            yield
        finally:
            with self._changed:
                self._exclusive -= 1
                self._changed.notify_all()
