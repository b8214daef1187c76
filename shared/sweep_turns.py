"""Lets replicas of a service take turns to sweep: a sweep that another replica began recently is skipped."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from shared import keys
from shared.blob.port import BlobStore
from shared.canonical import canonical_json
from shared.errors import TransientError
from shared.process_marks import Process

_DUE = 0.5
"""Share of a period after which a sweep is due again, so that clocks which differ a little keep no replica from one."""


@dataclass
class InTurn:
    """A sweep that a replica leaves out where another one began it less than half a period ago.

    The first of a process is always made, so that a restart finds what was missed. An object in the bucket says who
    began the last one, and the store says when; of two replicas that begin at once, one gets the turn. A sweep that
    fails gives its turn back. However many replicas there are, a period then has two sweeps at most, beside those of
    their starts.
    """

    store: BlobStore
    name: str
    """Of the sweep, the same in every replica."""
    every_s: float
    """How often each replica asks for a turn, seconds."""
    sweep: Callable[[], object]
    now: Callable[[], float] = time.time
    _is_first: bool = field(default=True, init=False)

    def __call__(self) -> None:
        """Sweep if it is this replica's turn.

        Raises:
            TransientError: the store is down; or as the sweep does.
        """
        if not self._has_turn():
            return
        try:
            self.sweep()
        except BaseException:
            with suppress(TransientError):
                self.store.delete(self._key)
            raise
        self._is_first = False

    @property
    def _key(self) -> str:
        return f"{keys.OPERATIONS}sweeps/{self.name}.json"

    def _has_turn(self) -> bool:
        last = self.store.head(self._key)
        if last and not self._is_first and self.now() - last.last_modified.timestamp() < _DUE * self.every_s:
            return False
        data = canonical_json({"by": Process.here().token, "at": self.now()})
        taken = self.store.replace(last, data) if last else self.store.put_new(self._key, data)
        return bool(taken) or self._is_first
