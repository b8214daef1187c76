"""Settings that mounted secrets renew: read again while the process runs, so that a new key needs no restart."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from shared import logs
from shared.settings import BadSettingsError, PlatformSettings, S3Settings, load

T = TypeVar("T")
_log = logs.get(__name__)


class Renewed(Generic[T]):
    """The newest value that could be read, at most `every_s` seconds old; safe to share between threads."""

    def __init__(
        self, value: T, read: Callable[[], T], every_s: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._value, self._read = value, read
        self._every_s, self._clock = every_s, clock
        self._due = clock() + every_s

    def __call__(self) -> T:
        """The value; the last good one while a secret is half written or away."""
        if self._clock() >= self._due:
            self._due = self._clock() + self._every_s
            try:
                self._value = self._read()
            except (BadSettingsError, OSError) as error:
                _log.warning("a renewed secret cannot be read yet", sentence=str(error))
        return self._value


def s3(settings: S3Settings, every_s: float = 30.0) -> Renewed[S3Settings]:
    """How to reach the bucket, with the keys that are mounted now."""
    return Renewed(settings, lambda: load(PlatformSettings).s3, every_s)
