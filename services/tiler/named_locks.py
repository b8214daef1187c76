"""Locks by name, kept only while they are held or waited for."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class NamedLocks:
    """One lock for each name."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks = defaultdict[str, threading.Lock](threading.Lock)
        self._users = Counter[str]()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Hold the lock of a name."""
        with self._guard:
            self._users[name] += 1
            lock = self._locks[name]
        try:
            with lock:
                yield
        finally:
            self._leave(name)

    def _leave(self, name: str) -> None:
        with self._guard:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]
