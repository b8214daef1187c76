"""Replicas of a service sweep in turn: what one of them looked at a moment ago the others need not look at."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shared import keys
from shared.blob.port import BlobStore
from shared.canonical import canonical_json
from shared.process_marks import Process

_DUE = 0.5
"""Share of a period after which a sweep is due again, so that clocks which differ a little keep no replica from one."""


@dataclass
class InTurn:
    """A sweep that a replica leaves out where another one began it less than half a period ago.

    The first of a process is always made, so that a restart finds what was missed. An object in the bucket says who
    began the last one, and the store says when; of two replicas that begin at once, one gets the turn. However many
    replicas there are, a period then has two sweeps at most, beside those of their starts.
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
        if self._has_turn():
            self.sweep()

    def _has_turn(self) -> bool:
        key = f"{keys.OPERATIONS}sweeps/{self.name}.json"
        last = self.store.head(key)
        if last and not self._is_first and self.now() - last.last_modified.timestamp() < _DUE * self.every_s:
            return False
        data = canonical_json({"by": Process.here().token, "at": self.now()})
        taken = self.store.replace(last, data) if last else self.store.put_new(key, data)
        is_first, self._is_first = self._is_first, False
        return bool(taken) or is_first
