"""Turns of long work: a record that takes long gives way to the others, so that they pass it by.

A handler that can continue where it stopped, or that needs more time than most records, looks at its turn and ends it
with UnfinishedError; the record continues from the retry topic, where one handler at least is free of such work.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of work on a record."""

    number: int = 0
    """Turns before this one."""
    began: float = field(default_factory=time.monotonic)

    @property
    def age_s(self) -> float:
        """Seconds since the turn began."""
        return time.monotonic() - self.began


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def turn(number: int) -> Iterator[None]:
    """Work on a record within the block, after `number` earlier turns."""
    token = _turn.set(Turn(number))
    try:
        yield
    finally:
        _turn.reset(token)


def current() -> Turn | None:
    """The turn of this thread; None where nobody waits behind the work, as on the command line."""
    return _turn.get()
