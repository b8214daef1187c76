"""Lets work run side by side, but what is suspected of killing its process alone: nobody else dies with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Gate:
    """Entered by every piece of work in a process; whoever asks to be alone is let in before others."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._wish_to_be_alone = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work beside others, once nobody is alone or waits to be."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._wish_to_be_alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Work with nobody beside."""
        with self._changed:
            self._wish_to_be_alone += 1
            self._changed.wait_for(lambda: not self._alone and not self._inside)
            self._wish_to_be_alone -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
