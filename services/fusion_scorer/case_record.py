"""A case's record in the store: its scored states, ordered by revisions that do not depend on clocks.

Each scored state of a case gets a revision, and the greatest revision is the current score. Revisions only grow; they
are written with conditional puts. A worker reads the case, records its state, then reads the case again and publishes
only if nothing changed; otherwise it starts again. So no worker, however long it was paused, publishes an older state
last: let the last change of a case be at time T. The score that this change triggers reads after T and gets revision
P. A revision below P loses. A revision above P was recorded after T, so the read that followed it saw the last state.
A revision that is used again has the same state.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from shared import keys, logs
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.times import EPOCH, MICROSECOND, time_of
from shared.units import CaseId, Sha256

Version = tuple[str, str]
"""Key and etag of an object."""
_UNREADABLE = frozenset({("", "")})
"""The inputs that a damaged record stands for: no state of a bucket, so that the case is outdated."""
_NAME = re.compile(r"[0-9a-f]{16,}\.json")
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
    """16 hex digits: the greater of two is the later one."""
    state: str
    """Digest of the outcome and its inputs."""
    seen: frozenset[Version]
    """Versions of the case's objects that were read."""
    score: RecordedScore | None = None
    """None for a withdrawal or refusal, and in records of older programs."""

    @property
    def recorded_at(self) -> datetime:
        """Approximate time, for people; also above the revisions of older programs, which were landing times."""
        return time_of(self.revision)


@dataclass(frozen=True)
class CaseRecord:
    """Objects below cases/{case}/places/; the greatest name is the last state."""

    store: BlobStore

    def last(self, case: CaseId) -> RecordedState | None:
        """The last recorded state; None if there is none."""
        while (listed := self._listed(case)) is not None:
            try:
                return _read(case, listed, self.store.get(listed.key))
            except ObjectChangedError:  # a later one was recorded
                continue
        return None

    def record(
        self,
        case: CaseId,
        state: Sha256,
        seen: Sequence[Version],
        newest: datetime,
        score: RecordedScore | None = None,
    ) -> RecordedState:
        """Record a state: keep the last revision if it has that state, else use one greater than all others.

        The revision is also greater than `newest`, the newest landing time, even if that is in the future.
        """
        while True:
            last = self.last(case)
            if last is not None and last.state == state:
                return self._with_score(case, last, score)
            new = RecordedState(_after(last, newest), state, frozenset(seen), score)
            if self.store.put_new(_key(case, new.revision), _written(new)):
                self._forget(case, before=new.revision)
                return new

    def _with_score(self, case: CaseId, last: RecordedState, score: RecordedScore | None) -> RecordedState:
        """The last state; with the score that another program made of it in place of what it holds."""
        if score is None or last.score == score:
            return last
        new = replace(last, score=score)
        self.store.put(_key(case, last.revision), _written(new))
        return new

    def _listed(self, case: CaseId) -> BlobInfo | None:
        listed = (info for info in self.store.list(keys.places(case)) if _NAME.fullmatch(_name(info)))
        return max(listed, key=lambda info: info.key, default=None)

    def _forget(self, case: CaseId, before: str) -> None:
        for info in list(self.store.list(keys.places(case))):
            if info.key < _key(case, before):
                self.store.delete(info.key)


def _after(last: RecordedState | None, newest: datetime) -> str:
    past = [datetime.now(UTC), newest, *([last.recorded_at] if last else [])]
    return f"{(max(past) - EPOCH) // MICROSECOND + 1:016x}"


def _key(case: CaseId, revision: str) -> str:
    return f"{keys.places(case)}{revision}.json"


def _written(recorded: RecordedState) -> bytes:
    score = {} if recorded.score is None else {"score": asdict(recorded.score)}
    return canonical_json({"state": recorded.state, "seen": sorted(recorded.seen), **score})


def _read(case: CaseId, info: BlobInfo, data: bytes) -> RecordedState:
    revision = _name(info).removesuffix(".json")
    try:
        written = json.loads(data)
        seen = frozenset((key, etag) for key, etag in written["seen"])
        score = RecordedScore(**written["score"]) if "score" in written else None
        return RecordedState(revision, str(written["state"]), seen, score)
    except (ValueError, TypeError, LookupError, RecursionError):
        _log.warning("the record of a case is damaged; the case is scored again", case_id=case)
        return RecordedState(revision, "", _UNREADABLE)


def _name(info: BlobInfo) -> str:
    return info.key.rpartition("/")[2]
