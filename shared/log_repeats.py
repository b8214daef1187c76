"""Lets a repeated line of a library through once a minute: without a broker Kafka's client writes many a second."""

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic

_EVERY_S = 60.0


class Repeats(logging.Filter):
    """Drops what the same place of the library logged within the last minute; the next line says how often."""

    def __init__(self, library: str, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(library)
        self._clock = clock
        self._lock = Lock()
        self._shown: dict[tuple[str, int], float] = {}
        self._dropped: dict[tuple[str, int], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is shown; lines of other libraries always are."""
        if not super().filter(record):
            return True
        origin, now = (record.pathname, record.lineno), self._clock()
        with self._lock:
            if now - self._shown.get(origin, float("-inf")) < _EVERY_S:
                self._dropped[origin] = self._dropped.get(origin, 0) + 1
                return False
            self._shown[origin] = now
            dropped = self._dropped.pop(origin, 0)
        if dropped:
            record.msg, record.args = f"{record.getMessage()} (and {dropped} times since the last such line)", ()
        return True
