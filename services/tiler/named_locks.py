"""Locks by name, kept only while they are held or waited for; whoever waits long gives way."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import TransientError

_PATIENCE_S = 5.0


class NamedLocks:
    """One lock for each name; waiting for it is limited, so that it holds no thread for long."""

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._guard = threading.Lock()
        self._locks = defaultdict[str, threading.Lock](threading.Lock)
        self._users = Counter[str]()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Hold the lock of a name.

        Raises:
            TransientError: somebody else held it for too long.
        """
        with self._guard:
            self._users[name] += 1
            lock = self._locks[name]
        try:
            if not lock.acquire(timeout=self._patience_s):
                raise TransientError(f"another event about {name} is at work")
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(name)

    def _leave(self, name: str) -> None:
        with self._guard:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]
