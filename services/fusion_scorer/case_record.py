"""A case's record in the store: its scored states, ordered by revisions that do not depend on clocks.

Each scored state of a case gets a revision, and the greatest revision is the current score. Revisions only grow; they
are written with conditional puts. A worker reads the case, records its state, then reads the case again and publishes
only if nothing changed; otherwise it starts again. So no worker, however long it was paused, publishes an older state
last: let the last change of a case be at time T. The score that this change triggers reads after T and gets revision
P. A revision below P loses. A revision above P was recorded after T, so the read that followed it saw the last state.
A revision that is used again has the same state.

Where a worker knows beforehand that the state will be another, as after a promotion, it reserves a revision and then
reads the case once: this is the read that follows, so no second one is needed.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from shared import keys, logs
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.times import EPOCH, MICROSECOND, time_of
from shared.units import CaseId, Sha256

Version = tuple[str, str]
"""Key and etag of an object."""
_UNREADABLE = frozenset({("", "")})
"""The inputs that a damaged record stands for: no state of a bucket, so that the case is outdated."""
_NAME = re.compile(r"[0-9a-f]{16,}\.json")
_RESERVED = canonical_json({"reserved": True})
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class RecordedScore:
    """What is announced of a score, so that a case whose inputs and bundle stay the same is not scored again."""

    basis: Sha256
    """Digest of everything that the score was made from: the bundle, the program, the snapshot of the case."""
    announcement: str
    """The event in protobuf's JSON, without its revision and id."""


@dataclass(frozen=True, slots=True)
class RecordedState:
    """The last state of a case that was scored, withdrawn or refused; a damaged record keeps its revision alone."""

    revision: str
    """16 hex digits: the greater of two is the later one; empty until the state is recorded."""
    state: str
    """Digest of the outcome and its inputs."""
    seen: frozenset[Version]
    """Versions of the case's objects that were read."""
    score: RecordedScore | None = None
    """None for a withdrawal or refusal, and in records of older programs."""
    model: str = ""
    """Digest of what scores the case beside its inputs: the bundle, the program; empty in records of older programs."""
    is_reported: bool = True
    """False for a refusal of which the bus may have no dead letter yet."""

    @property
    def recorded_at(self) -> datetime:
        """Approximate time, for people; also above the revisions of older programs, which were landing times."""
        return time_of(self.revision)


@dataclass(frozen=True, slots=True)
class RecordedStates:
    """A case's record by one listing."""

    revisions: tuple[str, ...] = ()
    """All of them in order, reservations included."""
    last: RecordedState | None = None
    """The last recorded state, which is no reservation."""


@dataclass
class Reservation:
    """A revision that is greater than those before, for a state that is still to be recorded."""

    revision: str
    known: RecordedStates
    is_filled: bool = field(default=False, init=False)

    def covers(self, newest: datetime) -> bool:
        """Whether the revision is greater than a landing time."""
        return time_of(self.revision) > newest


@dataclass(frozen=True)
class CaseRecord:
    """Objects below cases/{case}/places/; the greatest name is the last state."""

    store: BlobStore

    def last(self, case: CaseId) -> RecordedState | None:
        """The last recorded state; None if there is none."""
        return self.states(case).last

    def states(self, case: CaseId) -> RecordedStates:
        """The revisions of a case and its last recorded state."""
        while True:
            revisions = self._listed(case)
            try:
                return RecordedStates(revisions, self._last_of(case, revisions))
            except ObjectChangedError:  # a later one was recorded
                continue

    def record(
        self,
        case: CaseId,
        state: RecordedState,
        newest: datetime,
        known: RecordedStates | None = None,
    ) -> RecordedState:
        """Record a state: keep the last revision if it has that state, else use one greater than all others.

        The revision is also greater than `newest`, the newest landing time, even if that is in the future. `known` is
        what was listed since the change that the state is to show.
        """
        known = known or self.states(case)
        while known.last is None or known.last.state != state.state:
            new = replace(state, revision=_after(known, newest))
            if self.store.put_new(_key(case, new.revision), _written(new)):
                self._forget(case, known, before=new.revision)
                return new
            known = self.states(case)
        return self._with_score(case, known.last, state)

    def note_report(self, case: CaseId, revision: str) -> None:
        """Remember that the refusal of a revision has its dead letter, unless another state was recorded meanwhile."""
        last = self.last(case)
        if last is not None and last.revision == revision and not last.is_reported:
            self.store.put(_key(case, revision), _written(replace(last, is_reported=True)))

    @contextmanager
    def reserved(self, case: CaseId, known: RecordedStates) -> Iterator[Reservation]:
        """Reserve a revision, and release it in the end unless a state was recorded under it."""
        while not self.store.put_new(_key(case, revision := _after(known, EPOCH)), _RESERVED):
            known = self.states(case)
        reservation = Reservation(revision, known)
        try:
            yield reservation
        finally:
            if not reservation.is_filled:
                self.store.delete(_key(case, revision))

    def fill(self, case: CaseId, reservation: Reservation, state: RecordedState) -> RecordedState:
        """Record a state under a reserved revision; where the last state is the same, keep its revision instead."""
        known = reservation.known
        if known.last is not None and known.last.state == state.state:
            return self._with_score(case, known.last, state)
        new = replace(state, revision=reservation.revision)
        self.store.put(_key(case, new.revision), _written(new))
        reservation.is_filled = True
        self._forget(case, known, before=new.revision)
        return new

    def _with_score(self, case: CaseId, last: RecordedState, state: RecordedState) -> RecordedState:
        """The last state; with the score that another program made of it in place of what it holds."""
        if state.score is None or (last.score, last.model) == (state.score, state.model):
            return last
        new = replace(last, score=state.score, model=state.model)
        self.store.put(_key(case, last.revision), _written(new))
        return new

    def _listed(self, case: CaseId) -> tuple[str, ...]:
        names = (info.key.rpartition("/")[2] for info in self.store.list(keys.places(case)))
        return tuple(sorted(name.removesuffix(".json") for name in names if _NAME.fullmatch(name)))

    def _last_of(self, case: CaseId, revisions: Sequence[str]) -> RecordedState | None:
        for revision in reversed(revisions):
            data = self.store.get(_key(case, revision))
            if data != _RESERVED:
                return _read(case, revision, data)
        return None

    def _forget(self, case: CaseId, known: RecordedStates, before: str) -> None:
        for revision in known.revisions:
            if revision < before:
                self.store.delete(_key(case, revision))


def _after(known: RecordedStates, newest: datetime) -> str:
    past = [datetime.now(UTC), newest, *map(time_of, known.revisions[-1:])]
    return f"{(max(past) - EPOCH) // MICROSECOND + 1:016x}"


def _key(case: CaseId, revision: str) -> str:
    return f"{keys.places(case)}{revision}.json"


def _written(recorded: RecordedState) -> bytes:
    score = {} if recorded.score is None else {"score": asdict(recorded.score), "model": recorded.model}
    report = {} if recorded.is_reported else {"unreported": True}
    return canonical_json({"state": recorded.state, "seen": sorted(recorded.seen), **score, **report})


def _read(case: CaseId, revision: str, data: bytes) -> RecordedState:
    try:
        written = json.loads(data)
        seen = frozenset((key, etag) for key, etag in written["seen"])
        score = RecordedScore(**written["score"]) if "score" in written else None
        return RecordedState(
            revision=revision,
            state=str(written["state"]),
            seen=seen,
            score=score,
            model=str(written.get("model", "")),
            is_reported=not written.get("unreported", False),
        )
    except (ValueError, TypeError, LookupError, RecursionError):
        _log.warning("the record of a case is damaged; the case is scored again", case_id=case)
        return RecordedState(revision, "", _UNREADABLE)
