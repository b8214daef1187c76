"""Counts process crashes per record, so that a record that crashes its worker is given up instead of retried for ever.

Before work begins a small mark is written to the bucket; it is deleted when the work ends, however it ends. A mark
that exists when the record is delivered again shows that its process crashed. Marks are in the bucket and not in the
metadata of Kafka's offsets because that works for Kafka, SQS and the in-memory bus alike, and because an offset does
not distinguish a crash from a rebalance: a live process refreshes its marks and a stopping one releases them, so
neither counts. It costs two requests a record, or two a range of records (`attempt_ranges`). Other records in a crashed
process are not at fault: a record with a crash on its mark is retried alone.
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
from shared.bus.retry import GIVE_UP_AFTER
from shared.canonical import canonical_json
from shared.errors import TransientError
from shared.gate import Gate
from shared.process_marks import BEAT_S, Process
from shared.sweep import Every

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a record in the bucket: crashes so far, and the process at work, if any."""

    deaths: int = 0
    process: Process | None = None
    beat: float = 0.0
    """Unix seconds of the last heartbeat."""

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
        self._marks: dict[str, int] = {}
        """Crashes of each record at work in this process, by the key of its mark."""
        self._ranges = AttemptRanges(store, self._process, now)
        self._ending = False
        self._lock = Lock()

    @contextmanager
    def attempt(self, key: str, service: str, offset: Offset | None = None) -> Iterator[int]:
        """Mark the start of work on a record; yields its crashes so far. At GIVE_UP_AFTER the work must not start.

        With an `offset` a range of offsets is marked in place of the record.

        Raises:
            TransientError: the store is down.
        """
        with ExitStack() as stack:
            yield self._begin(key, service, stack) if offset is None else self._begin_at(offset, key, service, stack)

    def run(self, stop: Event) -> None:
        """Refresh the marks until `stop` is set, then release them: work that is cut off later counts as no crash."""
        Every(BEAT_S, self.beat).run(stop)
        self.give_back()

    def beat(self) -> None:
        """Refresh all marks once."""
        self._ranges.beat()
        for key in list(self._marks):
            with self._lock:
                if key in self._marks:
                    self._store.put(key, self._mark(self._marks[key]).to_bytes())

    def give_back(self) -> None:
        """Release all marks and set no more."""
        self._ranges.give_back()
        with self._lock:
            self._ending = True
            for key, deaths in self._marks.items():
                self._put_back(key, deaths)

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
            if self._ending or self._is_new(key):
                stack.push(room.pop_all())
                stack.callback(self._end, key)
                return 0
        return self._begin_again(key, service, stack)

    def _is_new(self, key: str) -> bool:
        """Write the mark if there is none."""
        new = self._store.put_new(key, self._mark(0).to_bytes())
        if new:
            self._hold(key, 0)
        return new

    def _begin_again(self, key: str, service: str, stack: ExitStack) -> int:
        """Begin work on a record that has a mark."""
        mark = self._read(key)
        if self._is_at_work(key, mark):
            stack.enter_context(self._gate.shared())
            return 0
        deaths = mark.deaths + self._is_death(mark, service)
        if deaths >= GIVE_UP_AFTER:
            self._store.put(key, Mark(deaths).to_bytes())
            return deaths
        stack.enter_context(self._gate.exclusive() if deaths else self._gate.shared())
        self._store.put(key, self._mark(deaths).to_bytes())
        self._hold(key, deaths)
        stack.callback(self._end, key)
        return deaths

    def _is_at_work(self, key: str, mark: Mark) -> bool:
        """Whether a live process, possibly this one, works on the record now, as after a rebalance."""
        if mark.process is None or mark.process == self._process:
            return key in self._marks
        return mark.process.is_alive(mark.beat, self._process, self._now())

    def _is_death(self, mark: Mark, service: str) -> bool:
        if mark.process in {None, self._process}:
            return False
        _log.error("a process died at work on this record", deaths=mark.deaths + 1)
        metrics.WORKER_DEATHS.labels(service).inc()
        return True

    def _hold(self, key: str, deaths: int) -> None:
        with self._lock:
            self._marks[key] = deaths

    def _end(self, key: str) -> None:
        """Remove the mark; one that cannot be removed counts as at most one crash."""
        with self._lock:
            if self._marks.pop(key, None) is None:
                return
        self._put_back(key, 0)

    def _put_back(self, key: str, deaths: int) -> None:
        try:
            if deaths:
                self._store.put(key, Mark(deaths).to_bytes())
            else:
                self._store.delete(key)
        except TransientError as error:
            _log.warning("the mark of a record stays in the bucket", sentence=str(error))

    def _mark(self, deaths: int) -> Mark:
        return Mark(deaths, self._process, self._now())

    def _read(self, key: str) -> Mark:
        try:
            mark = json.loads(self._store.get(key))
            process = mark.pop("process")
            return replace(Mark(**mark), process=Process(**process) if process else None)
        except (ObjectChangedError, ValueError, TypeError, LookupError, AttributeError):
            return Mark()
