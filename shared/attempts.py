"""Counts the processes that died at work on a record, so that a deadly one is given up instead of tried for ever.

Before work begins a small mark is written into the bucket, and taken away when it ends, however it ends. A mark that
is found when the record comes again says that its process died. The bucket, and not the metadata of Kafka's offsets,
because it serves Kafka, SQS and the bus in memory alike, and because an offset cannot tell a death from a handover:
here a living process refreshes its marks, and one that is told to stop gives them back, so neither counts. It costs
two requests a record. Others that were at work in a process that died are innocent: what has a death on it
is tried again with nothing beside it.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from secrets import token_hex
from threading import Event, Lock

from shared import logs, metrics
from shared.blob.port import BlobStore, ObjectChangedError
from shared.bus.retry import GIVE_UP_AFTER
from shared.canonical import canonical_json
from shared.errors import TransientError
from shared.gate import Gate
from shared.sweep import Every

BEAT_S = 10.0
_SILENT_S = 30.0
"""A process that has not refreshed its mark for so long is dead; a group gives a silent member up later than that."""
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Process:
    """One run of a program."""

    host: str
    pid: int
    token: str

    @classmethod
    def here(cls) -> "Process":
        """This one."""
        return cls(platform.node(), os.getpid(), token_hex(8))

    def is_gone(self, here: "Process") -> bool:
        """Whether it is known to have ended: it ran on this machine, where its number is ours or nobody's by now."""
        return self.host == here.host and (self.pid == here.pid or not _runs(self.pid))


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands in the bucket: deaths so far, and who is at work, if anybody."""

    deaths: int = 0
    process: Process | None = None
    beat: float = 0.0
    """Unix seconds at which the process last said that it lives."""

    def to_bytes(self) -> bytes:
        """As JSON."""
        return canonical_json(asdict(self))


class Attempts:
    """A part: refreshes the marks of one process. One for all workers of a process."""

    def __init__(self, store: BlobStore, process: Process | None = None, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._process = process or Process.here()
        self._now = now
        self._gate = Gate()
        self._marks: dict[str, int] = {}
        """Deaths of each record that is at work here, by the key of its mark."""
        self._ending = False
        self._lock = Lock()

    @contextmanager
    def attempt(self, key: str, service: str) -> Iterator[int]:
        """Mark that work on a record begins; how many processes died at it so far. At GIVE_UP_AFTER it is not to begin.

        Raises:
            TransientError: the store is down.
        """
        with ExitStack() as stack:
            yield self._begin(key, service, stack)

    def run(self, stop: Event) -> None:
        """Refresh the marks until `stop` is set, then give them back: what is cut off after that is no death."""
        Every(BEAT_S, self.beat).run(stop)
        self.give_back()

    def beat(self) -> None:
        """Say once that this process lives."""
        for key in list(self._marks):
            with self._lock:
                if key in self._marks:
                    self._store.put(key, self._mark(self._marks[key]).to_bytes())

    def give_back(self) -> None:
        """Nothing more is marked, and what is marked counts no longer."""
        with self._lock:
            self._ending = True
            for key, deaths in self._marks.items():
                self._put_back(key, deaths)

    def _begin(self, key: str, service: str, stack: ExitStack) -> int:
        with ExitStack() as room:
            room.enter_context(self._gate.shared())
            if self._ending or self._is_new(key):
                stack.push(room.pop_all())
                stack.callback(self._end, key)
                return 0
        return self._begin_again(key, service, stack)

    def _is_new(self, key: str) -> bool:
        """Write the mark where there is none."""
        new = self._store.put_new(key, self._mark(0).to_bytes())
        if new:
            self._hold(key, 0)
        return new

    def _begin_again(self, key: str, service: str, stack: ExitStack) -> int:
        """Begin work on which a mark was found."""
        mark = self._read(key)
        if self._is_at_work(key, mark):
            stack.enter_context(self._gate.shared())
            return 0
        deaths = mark.deaths + self._is_death(mark, service)
        if deaths >= GIVE_UP_AFTER:
            self._store.put(key, Mark(deaths).to_bytes())
            return deaths
        stack.enter_context(self._gate.alone() if deaths else self._gate.shared())
        self._store.put(key, self._mark(deaths).to_bytes())
        self._hold(key, deaths)
        stack.callback(self._end, key)
        return deaths

    def _is_at_work(self, key: str, mark: Mark) -> bool:
        """Whether a living process, this one perhaps, works on the record now, as after a handover."""
        if mark.process is None or mark.process == self._process:
            return key in self._marks
        return mark.beat > self._now() - _SILENT_S and not mark.process.is_gone(self._process)

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
        """Work has ended; a mark that cannot be taken away now counts as a death at most once."""
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


def _runs(pid: int) -> bool:
    """Whether a process of this machine runs, as far as one can ask."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
