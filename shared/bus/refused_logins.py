"""Tells a login that changed on the server first, and is about to be mounted, from one that stays wrong."""

import time
from collections.abc import Callable

_PATIENCE_S = 300.0
"""How long logins may be refused: a changed secret takes up to a minute and a half to be mounted."""
_PAUSE_S = 60.0
"""After this time without a refusal, the next one is of another change."""


class RefusedLogins:
    """Decides whether to try again after an error; `is_refused` recognizes refused logins. Not thread-safe."""

    def __init__(self, is_refused: Callable[[Exception], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._is_refused, self._clock = is_refused, clock
        self._first = self._last = float("-inf")

    def may_end(self, error: Exception) -> bool:
        """Whether an error is a refused login, and logins are not refused for long."""
        if not self._is_refused(error):
            return False
        now = self._clock()
        if now - self._last > _PAUSE_S:
            self._first = now
        self._last = now
        return now - self._first < _PATIENCE_S
