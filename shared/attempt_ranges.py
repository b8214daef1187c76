"""Counts crashes by ranges of offsets, where a mark for each record would cost a large part of the work.

A process marks a range of a partition's offsets at once, and removes it when it is idle. A record in the range of a
process that died is a suspect: it is worked on alone, under a mark of its own (see `attempts`).
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from threading import Lock

from shared import keys, logs, metrics
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.errors import TransientError
from shared.process_marks import BEAT_S, Process

RANGE = 32
"""Offsets that are marked at once."""
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Offset:
    """Where a record stands on the bus."""

    topic: str
    partition: int
    number: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """The range of a process, in the bucket."""

    first: int
    end: int
    process: Process
    beat: float


@dataclass
class _Held:
    """A range of this process."""

    first: int
    used_at: float
    at_work: bool = True

    @property
    def end(self) -> int:
        return self.first + RANGE


@dataclass
class AttemptRanges:
    """The ranges of one process, by the folder of their partition; safe from several threads."""

    store: BlobStore
    process: Process
    now: Callable[[], float] = time.time
    _held: dict[str, _Held] = field(default_factory=dict, init=False)
    _dead: set[str] = field(default_factory=set, init=False)
    """Marks of processes that are counted as dead."""
    _ending: bool = field(default=False, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @contextmanager
    def covering(self, service: str, offset: Offset) -> Iterator[bool]:
        """Hold a range around the work on a record; False for a suspect.

        Raises:
            TransientError: the store is down.
        """
        folder = keys.attempt_range(service, offset.topic, offset.partition)
        if not (self._covers(folder, offset.number) or self._begin(folder, service, offset.number)):
            yield False
            return
        try:
            yield True
        finally:
            self._rest(folder)

    def beat(self) -> None:
        """Refresh the ranges with work, and remove those without; one that fails keeps none of the others from it.

        Raises:
            TransientError: the store is down, at least for one of them.
        """
        with ExitStack() as stack:
            for folder in list(self._held):
                stack.callback(self._refresh, folder)

    def give_back(self) -> None:
        """Remove all ranges and set no more."""
        with self._lock:
            self._ending = True
            for folder in self._held:
                self._remove(folder)

    def _covers(self, folder: str, number: int) -> bool:
        with self._lock:
            held = self._held.get(folder)
            if held is None or not held.first <= number < held.end:
                return self._ending
            held.used_at, held.at_work = self.now(), True
            return True

    def _begin(self, folder: str, service: str, number: int) -> bool:
        """Mark the range from this offset; False where that of a dead process holds it."""
        others = (info.key for info in self.store.list(folder) if info.key != self._key(folder))
        if any(self._is_suspect(key, service, number) for key in others):
            return False
        with self._lock:
            if not self._ending:
                self._held[folder] = _Held(number, self.now())
                self._put(folder, self._held[folder])
        return True

    def _is_suspect(self, key: str, service: str, number: int) -> bool:
        """Whether the mark is that of a dead process with this offset in its range; one that is behind is removed."""
        mark = self._read(key)
        if mark is None or mark.process.is_alive(mark.beat, self.process, self.now()):
            return False
        if number >= mark.end:
            self.store.delete(key)
            return False
        if key not in self._dead:
            self._dead.add(key)
            _log.error("a process died at work on a range of records", first=mark.first, end=mark.end)
            metrics.WORKER_DEATHS.labels(service).inc()
        return number >= mark.first

    def _rest(self, folder: str) -> None:
        with self._lock:
            if folder in self._held:
                self._held[folder].at_work = False

    def _refresh(self, folder: str) -> None:
        with self._lock:
            held = self._held.get(folder)
            if held is None:
                return
            if held.at_work or held.used_at > self.now() - BEAT_S:
                self._put(folder, held)
            else:
                del self._held[folder]
                self._remove(folder)

    def _put(self, folder: str, held: _Held) -> None:
        mark = _Mark(held.first, held.end, self.process, self.now())
        self.store.put(self._key(folder), canonical_json(asdict(mark)))

    def _remove(self, folder: str) -> None:
        """Remove a range; one that cannot be removed counts as at most one crash."""
        try:
            self.store.delete(self._key(folder))
        except TransientError as error:
            _log.warning("the mark of a range of records stays in the bucket", sentence=str(error))

    def _key(self, folder: str) -> str:
        return f"{folder}{self.process.token}.json"

    def _read(self, key: str) -> _Mark | None:
        try:
            mark = json.loads(self.store.get(key))
            return _Mark(int(mark["first"]), int(mark["end"]), Process(**mark["process"]), float(mark["beat"]))
        except (ObjectChangedError, ValueError, TypeError, LookupError):
            return None
