"""Lets work run side by side, but what is suspected of killing its process alone: nobody else dies with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

_PATIENCE_S = 900.0
"""How long to wait for others: work that hangs for ever must not hold up what is to be alone, nor that the rest."""


class Gate:
    """Entered by every piece of work in a process; whoever asks to be alone is let in before others."""

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._changed = Condition()
        self._beside = 0
        self._alone = 0
        self._asking = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work beside others, once nobody is alone or waits to be."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._asking, self._patience_s)
            self._beside += 1
        try:
            yield
        finally:
            with self._changed:
                self._beside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Work with nobody beside."""
        with self._changed:
            self._asking += 1
            self._changed.wait_for(lambda: not self._alone and not self._beside, self._patience_s)
            self._asking -= 1
            self._alone += 1
        try:
            yield
        finally:
            with self._changed:
                self._alone -= 1
                self._changed.notify_all()
