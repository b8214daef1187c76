"""Counts process crashes per record, so that a record that crashes its worker is given up instead of retried for ever.

Before work begins a small mark is written to the bucket; it is deleted when the work ends, however it ends. A mark
that exists when the record is delivered again shows that its process crashed. Marks are in the bucket and not in the
metadata of Kafka's offsets because that works for Kafka, SQS and the in-memory bus alike, and because an offset does
not distinguish a crash from a rebalance: a live process refreshes its marks and a stopping one says so in them, so
neither counts. It costs two requests a record, or two a range of records (`attempt_ranges`). Other records in a crashed
process are not at fault: a record with a crash on its mark is retried alone.

A mark is a lease, too: a record that moved to another process while it is at work, as after a rebalance, is not begun
there before the work ends, its process is silent or its time is over. A mark is taken over by a conditional write, so
that one process gets it, and the process before neither refreshes nor removes it then.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from threading import Event, Lock

from shared import logs, metrics
from shared.attempt_ranges import AttemptRanges, Offset
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.bus.retry import AT_WORK, GIVE_UP_AFTER, STOPPING
from shared.canonical import canonical_json
from shared.errors import AtWorkError, TransientError
from shared.gate import Gate
from shared.process_marks import BEAT_S, SILENT_S, Process
from shared.sweep import Every

LEASE_S = 2400.0
"""Work that lasts longer, as work that hangs, keeps no other process from the record."""
_MARGIN_S = 600.0
"""A lease is longer than the longest turn by this time, for what comes before and after the work that is limited."""
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


@dataclass
class _Held:
    """A record at work in this process."""

    began: float
    mark: Mark | None = None
    """None before it is written, after it is removed, and where another process or a range of offsets has it."""


class Attempts:
    """A part that refreshes the marks of one process, shared by all its workers.

    `turn_s`: the longest turn of work on a record that the settings of the service allow, in seconds.
    """

    def __init__(
        self,
        store: BlobStore,
        process: Process | None = None,
        now: Callable[[], float] = time.time,
        turn_s: float = 0.0,
    ) -> None:
        self._store = store
        self._process = process or Process.here()
        self._now = now
        self._lease_s = max(LEASE_S, turn_s + _MARGIN_S)
        self._gate = Gate()
        self._held: dict[str, _Held] = {}
        """By the key of the mark."""
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
            AtWorkError: a live process, possibly this one, is at work on it, or this process is stopping.
            TransientError: the store is down.
        """
        with ExitStack() as stack:
            held = self._reserve(key, stack)
            if offset is None:
                yield self._begin(key, service, held, stack)
            else:
                yield self._begin_at(offset, key, service, held, stack)

    def run(self, stop: Event) -> None:
        """Refresh the marks until `stop` is set and work has ended; what is cut off in between counts as no crash."""
        Every(BEAT_S, self.beat).run(stop)
        self.give_back()
        Every(BEAT_S, self.beat).run(self._ended)

    def beat(self) -> None:
        """Refresh all marks once; one that fails keeps none of the others from it.

        Raises:
            TransientError: the store is down, at least for one of them.
        """
        with ExitStack() as stack:
            for key, held in list(self._held.items()):
                stack.callback(self._renew, key, held)
            if not self._stopping:
                stack.callback(self._ranges.beat)

    def give_back(self) -> None:
        """Begin no more work, and note in all marks that what is cut off from now on is no crash."""
        self._ranges.give_back()
        with self._lock:
            self._stopping = True
            for held in self._held.values():
                held.mark = held.mark and replace(held.mark, stopping=True)
            self._note_end()

    def _reserve(self, key: str, stack: ExitStack) -> _Held:
        """Keep other threads of this process from the record."""
        with self._lock:
            if self._stopping:
                raise AtWorkError(STOPPING)
            if key in self._held and self._now() < self._held[key].began + self._lease_s:
                raise AtWorkError(AT_WORK)
            held = self._held[key] = _Held(self._now())
        stack.callback(self._release, key, held)
        return held

    def _release(self, key: str, held: _Held) -> None:
        with self._lock:
            if self._held.get(key) is held:
                del self._held[key]
                self._note_end()

    def _begin_at(self, offset: Offset, key: str, service: str, held: _Held, stack: ExitStack) -> int:
        with ExitStack() as room:
            room.enter_context(self._gate.shared())
            if room.enter_context(self._ranges.covering(service, offset)):
                stack.push(room.pop_all())
                return 0
        self._store.put_new(key, Mark(1).to_bytes())
        return self._begin_again(key, service, held, stack)

    def _begin(self, key: str, service: str, held: _Held, stack: ExitStack) -> int:
        with ExitStack() as room:
            room.enter_context(self._gate.shared())
            mark = self._mark(0)
            if self._store.put_new(key, mark.to_bytes()):
                stack.push(room.pop_all())
                self._hold(key, held, mark, stack)
                return 0
        return self._begin_again(key, service, held, stack)

    def _begin_again(self, key: str, service: str, held: _Held, stack: ExitStack) -> int:
        """Begin work on a record that has a mark."""
        info, mark = self._read(key)
        is_alive = self._is_alive(mark)
        if is_alive and self._now() < mark.began + self._lease_s:
            raise AtWorkError(AT_WORK)
        is_death = not (is_alive or mark.stopping or mark.process in {None, self._process})
        deaths = mark.deaths + is_death
        is_given_up = deaths >= GIVE_UP_AFTER
        if not is_given_up:
            stack.enter_context(self._gate.exclusive() if deaths else self._gate.shared())
        taken = Mark(deaths) if is_given_up else self._mark(deaths)
        self._take(key, info, taken)
        if is_death:
            _log.error("a process died at work on this record", deaths=deaths)
            metrics.WORKER_DEATHS.labels(service).inc()
        if not is_given_up:
            self._hold(key, held, taken, stack)
        return deaths

    def _take(self, key: str, info: BlobInfo | None, mark: Mark) -> None:
        """Write over the mark that was read; where another process did so meanwhile, it is at work now.

        The store also refuses its client's retry of a write whose response was lost, so a refused mark is read again.
        """
        data = mark.to_bytes()
        is_written = self._store.replace(info, data) if info else self._store.put_new(key, data)
        if not is_written and self._read(key)[1] != mark:
            raise AtWorkError(AT_WORK)

    def _is_alive(self, mark: Mark) -> bool:
        """Whether another process, which is alive, has the mark; this one left its own mark behind, or hangs."""
        if mark.process in {None, self._process}:
            return False
        return mark.process.is_alive(mark.beat, self._process, self._now())

    def _hold(self, key: str, held: _Held, mark: Mark, stack: ExitStack) -> None:
        with self._lock:
            held.began, held.mark = mark.began, replace(mark, stopping=self._stopping)
        stack.callback(self._end, key, held)

    def _renew(self, key: str, held: _Held) -> None:
        """Refresh a mark, unless the work ended or another process has it."""
        if held.mark is None:
            return
        info, kept = self._read(key)
        with self._lock:
            if held.mark is None:
                return
            if info is None or kept.process != self._process:
                _log.warning("another process has the record that is at work here", key=key)
                held.mark = None
                return
            renewed = replace(held.mark, beat=self._now())
        if self._store.replace(info, renewed.to_bytes()):
            with self._lock:
                held.mark = held.mark and replace(held.mark, beat=renewed.beat)

    def _end(self, key: str, held: _Held) -> None:
        """Remove the mark; one that cannot be removed counts as at most one crash."""
        with self._lock:
            mark, held.mark = held.mark, None
            is_own = mark is not None and self._held.get(key) is held
        try:
            if mark and is_own and (self._is_kept(mark) or self._read(key)[1].process == self._process):
                self._store.delete(key)
        except TransientError as error:
            _log.warning("the mark of a record stays in the bucket", sentence=str(error))

    def _is_kept(self, mark: Mark) -> bool:
        """Whether no other process can have taken this mark over since it was written."""
        now = self._now()
        return now < mark.beat + SILENT_S and now < mark.began + self._lease_s

    def _note_end(self) -> None:
        if self._stopping and not self._held:
            self._ended.set()

    def _mark(self, deaths: int) -> Mark:
        return Mark(deaths, self._process, self._now(), began=self._now(), stopping=self._stopping)

    def _read(self, key: str) -> tuple[BlobInfo | None, Mark]:
        """The mark and its version in the bucket; an empty one where there is none or it cannot be read."""
        info = self._store.head(key)
        try:
            mark = json.loads(self._store.get_range(info, 0, info.size)) if info else {"process": None}
            process = mark.pop("process")
            return info, replace(Mark(**mark), process=Process(**process) if process else None)
        except (ObjectChangedError, ValueError, TypeError, LookupError, AttributeError):
            return info, Mark()
