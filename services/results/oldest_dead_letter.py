"""Tells the age of the oldest record among the dead letters, which Kafka deletes after the retention of their topic."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from shared import metrics


@dataclass(frozen=True)
class OldestDeadLetter:
    """Costs one look-up of offsets."""

    written_at: Callable[[], float | None]
    """When the oldest one was put there, in Unix seconds; None without any."""
    now: Callable[[], float] = time.time

    def __call__(self) -> None:
        """Look once.

        Raises:
            TransientError: the bus is down.
        """
        written = self.written_at()
        metrics.OLDEST_DEAD_LETTER.set(0.0 if written is None else max(0.0, self.now() - written))
