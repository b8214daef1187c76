"""A case's record in the store: which of its states was scored when, without a clock that decides anything.

Each state of a case that is scored takes a place in the record, and the greatest place is the current score. Places
are numbers that only grow, written with conditional puts. A worker reads the case, takes a place, then looks at the
case again and publishes only if nothing has changed; else it starts again. So no worker, however long it was stopped,
publishes an older state last: let the last change of a case be at time T. The score that this change asks for reads
after T and takes place P. A place below P loses. A place above P was taken after T, so the look that followed it saw
the last state. A place that is used again stands for the same state.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared import keys
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.units import CaseId, Sha256

Version = tuple[str, str]
"""Key and etag of an object."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """The last state of a case that was scored, withdrawn or refused."""

    revision: str
    """16 hex digits: of two places the greater is the later one."""
    state: str
    """Digest of what came of the case and what it came from."""
    seen: frozenset[Version]
    """The objects of the case that were looked at."""

    @property
    def taken(self) -> datetime:
        """About when; for people, and to be above the revisions of older programs, which were landing times."""
        return time_of(self.revision)


@dataclass(frozen=True)
class CaseRecord:
    """Objects below cases/{case}/places/, of which the greatest name counts."""

    store: BlobStore

    def last(self, case: CaseId) -> Place | None:
        """The last place; None while the case has none."""
        while (listed := self._listed(case)) is not None:
            try:
                return _read(listed, self.store.get(listed.key))
            except ObjectChangedError:  # a later one was taken
                continue
        return None

    def take(self, case: CaseId, state: Sha256, seen: Sequence[Version], newest: datetime) -> Place:
        """The place of a state: the last one where it is that state's, else a new one, greater than every other.

        It is also greater than `newest`, a landing time of the future too.
        """
        while True:
            last = self.last(case)
            if last is not None and last.state == state:
                return last
            place = Place(_after(last, newest), state, frozenset(seen))
            if self.store.put_new(_key(case, place.revision), _written(place)):
                self._forget(case, before=place.revision)
                return place

    def _listed(self, case: CaseId) -> BlobInfo | None:
        return max(self.store.list(keys.places(case)), key=lambda info: info.key, default=None)

    def _forget(self, case: CaseId, before: str) -> None:
        for info in list(self.store.list(keys.places(case))):
            if info.key < _key(case, before):
                self.store.delete(info.key)


def time_of(revision: str) -> datetime:
    """The time in a revision; of an older program's the newest landing time."""
    return _EPOCH + int(revision[:16], 16) * _MICROSECOND


def _after(last: Place | None, newest: datetime) -> str:
    past = [datetime.now(UTC), newest, *([last.taken] if last else [])]
    return f"{(max(past) - _EPOCH) // _MICROSECOND + 1:016x}"


def _key(case: CaseId, revision: str) -> str:
    return f"{keys.places(case)}{revision}.json"


def _written(place: Place) -> bytes:
    return canonical_json({"state": place.state, "seen": sorted(place.seen)})


def _read(info: BlobInfo, data: bytes) -> Place:
    written = json.loads(data)
    revision = info.key.rpartition("/")[2].removesuffix(".json")
    return Place(revision, written["state"], frozenset((key, etag) for key, etag in written["seen"]))
