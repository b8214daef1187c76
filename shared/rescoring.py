"""Scoring of every case again in the background: who asked for it last, whether it is stopped, and how far it is."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Self

from shared import model_keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.errors import TransientError
from shared.times import utc_now
from shared.units import Sha256
from shared.words import counted

GROUP = "fusion_scorer"
"""The consumer group that scores."""
Backlog = Callable[[datetime], tuple[int, int]]
"""How many requests in the background wait, and how many were made since a time."""
_MINUTE_S = 60
_LOOK_EVERY_S = 5.0


@dataclass(frozen=True)
class BackgroundStop:
    """Whether an operator stopped the scoring of cases in the background: an object in the bucket."""

    store: BlobStore

    def __bool__(self) -> bool:
        return self.store.head(model_keys.RESCORING_STOPPED) is not None

    def set(self) -> None:
        """Drop every request in the background, those to come included, until `lift`."""
        self.store.put_new(model_keys.RESCORING_STOPPED, b"{}")

    def lift(self) -> None:
        """Work on requests again; those that were dropped have to be made again."""
        self.store.delete(model_keys.RESCORING_STOPPED)


@dataclass(frozen=True, slots=True)
class RescoringRequest:
    """The last request to score every case again, kept in the bucket."""

    since: datetime
    """Before the first of its cases was put on the topic; aware."""
    bundle: Sha256 | None = None
    """The bundle whose promotion asks; None where an operator does."""

    @classmethod
    def stored(cls, store: BlobStore) -> Self | None:
        """What the bucket says; None where it says nothing that is understood."""
        try:
            entry = json.loads(store.get(model_keys.RESCORING))
            bundle = Sha256(str(entry["bundle"])) if entry["bundle"] else None
            return cls(datetime.fromisoformat(entry["since"]), bundle)
        except (ObjectChangedError, ValueError, KeyError, TypeError):
            return None

    def put(self, store: BlobStore) -> None:
        """Write it; call this before the cases are put on the topic."""
        entry = {"since": self.since.isoformat(), "bundle": self.bundle or ""}
        store.put(model_keys.RESCORING, canonical_json(entry))


@dataclass(frozen=True, slots=True)
class RescoringProgress:
    """How far scoring in the background is."""

    request: RescoringRequest | None
    """None where nobody has asked for it yet."""
    waiting: int = 0
    """Cases that wait for it."""
    requested: int = 0
    """Cases of the request, and those before it that still wait; no fewer than `waiting`."""
    elapsed_s: float = 0.0
    """Seconds since the request."""
    is_stopped: bool = False

    @property
    def done(self) -> int:
        """Cases that were handled since the request; after a stop, those that were dropped too."""
        return self.requested - self.waiting

    @property
    def per_minute(self) -> float | None:
        """Cases a minute since the request; None while there is nothing to measure."""
        if not self.waiting or not self.done or self.elapsed_s <= 0:
            return None
        return self.done / self.elapsed_s * _MINUTE_S

    @property
    def remaining_s(self) -> float | None:
        """Seconds until no case waits, at that rate; None without one, and after a stop."""
        rate = self.per_minute
        return None if rate is None or self.is_stopped else self.waiting / rate * _MINUTE_S

    @property
    def sentence(self) -> str:
        """For people."""
        cases, waits = counted(self.waiting, "case"), "waits" if self.waiting == 1 else "wait"
        if self.is_stopped:
            return f"scoring in the background is stopped: {cases} that {waits} will keep the score"
        if self.per_minute is None or self.remaining_s is None or self.request is None:
            return f"{cases} {waits} to be scored again"
        minutes = counted(max(1, round(self.remaining_s / _MINUTE_S)), "minute")
        since = self.request.since.isoformat(timespec="seconds")
        return (
            f"{self.done} of {self.requested} cases done since {since}, {self.per_minute:.0f} a minute; "
            f"{cases} {waits} to be scored again, about {minutes}"
        )

    def as_json(self) -> dict[str, object]:
        """In names and values of JSON, as REST and the command line show it."""
        since = self.request.since.isoformat() if self.request else None
        return {
            "requested": self.requested,
            "done": self.done,
            "waiting": self.waiting,
            "since": since,
            "bundle": (self.request.bundle or "") if self.request else "",
            "per_minute": self.per_minute,
            "remaining_s": self.remaining_s,
            "stopped": self.is_stopped,
        }


def nothing_requested() -> RescoringProgress:
    """Where nothing is scored in the background, as on a laptop."""
    return RescoringProgress(None)


def rescoring_progress(store: BlobStore, backlog: Backlog, now: Callable[[], datetime] = utc_now) -> RescoringProgress:
    """Ask the bucket and the bus how far scoring in the background is.

    Raises:
        TransientError: the store or the bus is down.
    """
    request, at = RescoringRequest.stored(store), now()
    since = request.since if request else at
    waiting, requested = backlog(since)
    elapsed_s = (at - since).total_seconds()
    return RescoringProgress(request, waiting, max(waiting, requested), elapsed_s, bool(BackgroundStop(store)))


class RememberedProgress:
    """Progress that was read `every_s` seconds ago at most, so that many who look cost one look at store and bus."""

    def __init__(
        self,
        read: Callable[[], RescoringProgress],
        every_s: float = _LOOK_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._every_s, self._clock = read, every_s, clock
        self._lock = Lock()
        self._due = -math.inf
        self._answer: RescoringProgress | TransientError = nothing_requested()

    def __call__(self) -> RescoringProgress:
        """The progress.

        Raises:
            TransientError: the store or the bus is down, or was at the last look.
        """
        with self._lock:
            if self._clock() >= self._due:
                try:
                    self._answer = self._read()
                except TransientError as error:
                    self._answer = error
                self._due = self._clock() + self._every_s
            answer = self._answer
        if isinstance(answer, TransientError):
            raise answer
        return answer
