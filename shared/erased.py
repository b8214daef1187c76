"""Erased cases: late events of one are dropped until an operator lifts the erasure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from medulla.v1.events_pb2 import CaseEraseRequested, SlideEmbedded, SlideTiled

from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.bus.events import Event, event_id
from shared.canonical import canonical_json
from shared.errors import MedullaError
from shared.logs import get
from shared.route import Route
from shared.units import CaseId, Sha256

RETENTION = "retention"
"""Cause of a request by the job that erases cases after a time without activity."""
_log = get(__name__)


@dataclass(frozen=True)
class ErasedCases:
    """Markers in the bucket, one a case, named after the digest of the case's id."""

    store: BlobStore

    def add(self, case: CaseId, request_id: str = "") -> bool:
        """Record that the case was erased, when, and by which request; False if another request did that before."""
        key, marker = keys.erased(case), {"at": datetime.now(UTC).isoformat(), "request": request_id}
        if self.store.put_new(key, canonical_json(marker)):
            return True
        return bool(request_id) and json.loads(self.store.get(key)).get("request") == request_id

    def lift(self, case: CaseId) -> bool:
        """Allow the case again; False if it was not erased."""
        known = self.holds(case)
        self.store.delete(keys.erased(case))
        return known

    def holds(self, case: str) -> bool:
        """Whether the case was erased; False for an empty id."""
        return bool(case) and self.store.head(keys.erased(CaseId(case))) is not None


def request(case: CaseId, *cause: str, slide_digests: Iterable[str] = ()) -> CaseEraseRequested:
    """Ask for a case to be erased; the same cause, whose first word the event carries, gives the same event."""
    digests = sorted(set(slide_digests))
    name = event_id(CaseEraseRequested, case, *cause, *digests)
    return CaseEraseRequested(event_id=name, case_id=case, slide_digests=digests, cause=cause[0] if cause else "")


def drop_erased(routes: Sequence[Route[Any]], store: BlobStore) -> Sequence[Route[Any]]:
    """The routes, changed to drop events of erased cases."""
    return [_dropping(route, store) for route in routes]


def _dropping(route: Route[Any], store: BlobStore) -> Route[Any]:
    erased = ErasedCases(store)

    def handle(event: Any) -> Iterable[Event]:
        case = route.context(event).get("case_id", "")
        if erased.holds(case):
            _log.info("dropped: the case was erased")
            return _request_leftovers(store, CaseId(case), event)
        return _unless_erased_meanwhile(erased, CaseId(case), route, event)

    return replace(route, handle=handle)


def _unless_erased_meanwhile(erased: ErasedCases, case: CaseId, route: Route[Any], event: Any) -> Iterable[Event]:
    """Do the work; if the case was erased meanwhile, request another erasure for what the work wrote."""
    try:
        results = list(route.handle(event))
        digests = _digests(event, *results)
    except MedullaError as error:
        if not erased.holds(case):
            raise
        changed = [error.slide_digest] if isinstance(error, ObjectChangedError) and error.slide_digest else []
        results, digests = [], [*_digests(event), *changed]
    if not erased.holds(case):
        return results
    return (request(case, "erased while it was worked on", slide_digests=digests),)


def _request_leftovers(store: BlobStore, case: CaseId, event: Any) -> Iterable[Event]:
    """Request the erasure of an earlier try's output, if there is any: its process may have died after the erasure."""
    leftovers = [
        digest for digest in _digests(event) if any(any(store.list(name)) for name in keys.derived(Sha256(digest)))
    ]
    if not leftovers and not any(store.list(keys.landings(case))):
        return ()
    return (request(case, "left by an earlier try", str(event), slide_digests=leftovers),)


def _digests(*events: Any) -> list[str]:
    return [event.slide.digest for event in events if isinstance(event, SlideTiled | SlideEmbedded)]
