"""Counts process crashes per record, so that a record that crashes its worker is given up instead of retried for ever.

Before work begins a small mark is written to the bucket; it is deleted when the work ends, however it ends. A mark
that exists when the record is delivered again shows that its process crashed. Marks are in the bucket and not in the
metadata of Kafka's offsets because that works for Kafka, SQS and the in-memory bus alike, and because an offset does
not distinguish a crash from a rebalance: a live process refreshes its marks and a stopping one says so in them, so
neither counts. It costs two requests a record, or two a range of records (`attempt_ranges`). Other records in a crashed
process are not at fault: a record with a crash on its mark is retried alone.

A mark is a lease, too: a record that moved to another process while it is at work, as after a rebalance, is not begun
there before the work ends or its process is silent.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from threading import Event, Lock

from shared import logs, metrics
from shared.attempt_ranges import AttemptRanges, Offset
from shared.blob.port import BlobStore, ObjectChangedError
from shared.bus.retry import AT_WORK, GIVE_UP_AFTER
from shared.canonical import canonical_json
from shared.errors import AtWorkError, TransientError
from shared.gate import Gate
from shared.process_marks import BEAT_S, Process
from shared.sweep import Every

LEASE_S = 2400.0
"""Work that lasts longer, as work that hangs, keeps no other process from the record; no limit of a turn is longer."""
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a record in the bucket: crashes so far, and the process at work, if any."""

    deaths: int = 0
    process: Process | None = None
    beat: float = 0.0
    """Unix seconds of the last heartbeat."""
    began: float = 0.0
    """Unix seconds at which the work began."""
    stopping: bool = False
    """The process was asked to stop: what is cut off counts as no crash."""

    def to_bytes(self) -> bytes:
        """As JSON."""
        return canonical_json(asdict(self))


class Attempts:
    """A part that refreshes the marks of one process, shared by all its workers."""

    def __init__(self, store: BlobStore, process: Process | None = None, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._process = process or Process.here()
        self._now = now
        self._gate = Gate()
        self._marks: dict[str, Mark] = {}
        """The mark of each record at work in this process, by its key."""
        self._ranges = AttemptRanges(store, self._process, now)
        self._stopping = False
        self._ended = Event()
        """Set once this process stops and nothing is at work any more."""
        self._lock = Lock()

    @contextmanager
    def attempt(self, key: str, service: str, offset: Offset | None = None) -> Iterator[int]:
        """Mark the start of work on a record; yields its crashes so far. At GIVE_UP_AFTER the work must not start.

        With an `offset` a range of offsets is marked in place of the record.

        Raises:
            AtWorkError: a live process, possibly this one, is at work on it.
            TransientError: the store is down.
        """
        with ExitStack() as stack:
            yield self._begin(key, service, stack) if offset is None else self._begin_at(offset, key, service, stack)

    def run(self, stop: Event) -> None:
        """Refresh the marks until `stop` is set and work has ended; what is cut off in between counts as no crash."""
        Every(BEAT_S, self.beat).run(stop)
        self.give_back()
        Every(BEAT_S, self.beat).run(self._ended)

    def beat(self) -> None:
        """Refresh all marks once."""
        if not self._stopping:
            self._ranges.beat()
        for key in list(self._marks):
            with self._lock:
                if key in self._marks:
                    self._write(key, self._marks[key])

    def give_back(self) -> None:
        """Set no more marks, and note in all of them that what is cut off from now on is no crash."""
        self._ranges.give_back()
        with self._lock:
            self._stopping = True
            for key, mark in self._marks.items():
                self._marks[key] = replace(mark, stopping=True)
            self._note_end()

    def _begin_at(self, offset: Offset, key: str, service: str, stack: ExitStack) -> int:
        with ExitStack() as room:
            room.enter_context(self._gate.shared())
            if room.enter_context(self._ranges.covering(service, offset)):
                stack.push(room.pop_all())
                return 0
        self._store.put_new(key, Mark(1).to_bytes())
        return self._begin_again(key, service, stack)

    def _begin(self, key: str, service: str, stack: ExitStack) -> int:
        with ExitStack() as room:
            room.enter_context(self._gate.shared())
            if self._stopping or self._is_new(key):
                stack.push(room.pop_all())
                stack.callback(self._end, key)
                return 0
        return self._begin_again(key, service, stack)

    def _is_new(self, key: str) -> bool:
        """Write the mark if there is none."""
        mark = self._mark(0)
        new = self._store.put_new(key, mark.to_bytes())
        if new:
            self._hold(key, mark)
        return new

    def _begin_again(self, key: str, service: str, stack: ExitStack) -> int:
        """Begin work on a record that has a mark."""
        mark = self._read(key)
        if self._is_at_work(key, mark):
            self._check_lease(mark)
            stack.enter_context(self._gate.shared())
            return 0
        deaths = mark.deaths + self._is_death(mark, service)
        if deaths >= GIVE_UP_AFTER:
            self._store.put(key, Mark(deaths).to_bytes())
            return deaths
        stack.enter_context(self._gate.exclusive() if deaths else self._gate.shared())
        again = self._mark(deaths)
        self._store.put(key, again.to_bytes())
        self._hold(key, again)
        stack.callback(self._end, key)
        return deaths

    def _check_lease(self, mark: Mark) -> None:
        if self._now() < mark.began + LEASE_S:
            raise AtWorkError(AT_WORK)

    def _is_at_work(self, key: str, mark: Mark) -> bool:
        """Whether a live process, possibly this one, works on the record now, as after a rebalance."""
        if mark.process is None or mark.process == self._process:
            return key in self._marks
        return mark.process.is_alive(mark.beat, self._process, self._now())

    def _is_death(self, mark: Mark, service: str) -> bool:
        if mark.stopping or mark.process in {None, self._process}:
            return False
        _log.error("a process died at work on this record", deaths=mark.deaths + 1)
        metrics.WORKER_DEATHS.labels(service).inc()
        return True

    def _hold(self, key: str, mark: Mark) -> None:
        with self._lock:
            self._marks[key] = replace(mark, stopping=self._stopping)

    def _end(self, key: str) -> None:
        """Remove the mark; one that cannot be removed counts as at most one crash."""
        with self._lock:
            if self._marks.pop(key, None) is None:
                return
        try:
            self._store.delete(key)
        except TransientError as error:
            _log.warning("the mark of a record stays in the bucket", sentence=str(error))
        self._note_end()

    def _note_end(self) -> None:
        if self._stopping and not self._marks:
            self._ended.set()

    def _mark(self, deaths: int) -> Mark:
        return Mark(deaths, self._process, self._now(), began=self._now())

    def _write(self, key: str, mark: Mark) -> None:
        self._store.put(key, replace(mark, beat=self._now()).to_bytes())

    def _read(self, key: str) -> Mark:
        try:
            mark = json.loads(self._store.get(key))
            process = mark.pop("process")
            return replace(Mark(**mark), process=Process(**process) if process else None)
        except (ObjectChangedError, ValueError, TypeError, LookupError, AttributeError):
            return Mark()
