"""Recent activity for watchers: all watchers of a process share one query of the database."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock
from time import monotonic
from typing import Protocol

from medulla.v1.events_pb2 import Progress

from services.results.errors import TooManyWatchersError
from services.results.ports import Activity
from shared.times import utc_now

RECENT = timedelta(hours=6)
"""Older progress is of a slide that is no longer processed."""
LOOK_EVERY_S = 1.0
WATCHERS = 32
_NOTHING = Activity((), {})


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes since the last look."""

    progress: tuple[Progress, ...]
    cases: tuple[str, ...]
    """Cases that changed in any way."""
    over: tuple[tuple[str, str], ...] = ()
    """Case and slide of progress that has come to its end."""
    erased: tuple[str, ...] = ()
    """SHA-256 of the ids of cases that were erased, at first of the latest; for watchers of all cases only."""


def changes(before: Activity, now: Activity, case_id: str = "") -> Changes:
    """Changes from `before` to `now`; of one case if `case_id` is given, which has changed too where it is gone."""
    known = {(p.case_id, p.slide_id): p for p in before.progress}
    moved = (p for p in now.progress if known.get((p.case_id, p.slide_id)) != p and case_id in {"", p.case_id})
    over = known.keys() - {(p.case_id, p.slide_id) for p in now.progress}
    cases = _changed_cases(before, now, case_id)
    erased = () if case_id else tuple(sorted(dict(now.erased.items() - before.erased.items())))
    return Changes(tuple(moved), cases, tuple(sorted(key for key in over if case_id in {"", key[0]})), erased)


def _changed_cases(before: Activity, now: Activity, case_id: str) -> tuple[str, ...]:
    if case_id:
        return (case_id,) if before.watched.get(case_id) != now.watched.get(case_id) else ()
    return tuple(case for case, revision in now.revisions.items() if before.revisions.get(case) != revision)


class Watched(Protocol):
    """The part of ResultStore that the feed queries."""

    def activity(self, since: datetime, watched: Collection[str]) -> Activity:
        """See ResultStore."""


class Feed:
    """Queries the database at most once in `every_s` seconds for all watchers; allows at most `largest` of them."""

    def __init__(
        self,
        results: Watched,
        every_s: float = LOOK_EVERY_S,
        largest: int = WATCHERS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.every_s = every_s
        self._results = results
        self._largest = largest
        self._now = now
        self._lock = Lock()
        self._watched: Counter[str] = Counter()
        self._activity_at = float("-inf")
        self._activity = _NOTHING
        self._closed = Event()

    @property
    def closed(self) -> bool:
        """Whether watchers must stop."""
        return self._closed.is_set()

    def close(self) -> None:
        """End every watch, as the process stops."""
        self._closed.set()

    def wait(self) -> None:
        """Wait for the time between two looks, or until the feed closes."""
        self._closed.wait(self.every_s)

    @contextmanager
    def watch(self, case_id: str = "") -> Iterator[Callable[[], Changes]]:
        """A function that returns the changes since its last call; at first, all recent activity.

        Raises:
            TooManyWatchersError: the maximum is watching.
        """
        self._enter(case_id)
        last: Activity | None = None

        def look() -> Changes:
            nonlocal last
            now = self._look()
            previous, last = last or Activity((), now.revisions, now.watched), now
            return changes(previous, now, case_id)

        try:
            yield look
        finally:
            self._leave(case_id)

    def _look(self) -> Activity:
        with self._lock:
            if monotonic() - self._activity_at >= self.every_s / 2:
                self._activity = self._results.activity(self._now() - RECENT, [case for case in self._watched if case])
                self._activity_at = monotonic()
            return self._activity

    def _enter(self, case_id: str) -> None:
        """Count a watcher; the last look does not hold a case that nobody watched."""
        with self._lock:
            if self._watched.total() >= self._largest:
                raise TooManyWatchersError(f"{self._largest} callers are watching already; try again later")
            if case_id and case_id not in self._watched:
                self._activity_at = float("-inf")
            self._watched[case_id] += 1

    def _leave(self, case_id: str) -> None:
        with self._lock:
            self._watched -= Counter([case_id])
