"""Erased cases: late events of one are dropped until an operator lifts the erasure."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from medulla.v1.events_pb2 import CaseEraseRequested, SlideEmbedded, SlideRejected, SlideTiled

from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.bus import topics
from shared.bus.dead_letters import cases_of, origin_of, topic_of
from shared.bus.events import Event, event_id
from shared.bus.port import Delivery
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

    def add(self, case: CaseId, request_id: str = "", cause: str = "") -> bool:
        """Record that the case was erased, when, by which request and why; False if another request did that before."""
        marker = {"at": datetime.now(UTC).isoformat(), "cause": cause, "request": request_id}
        if self.store.put_new(keys.erased(case), canonical_json(marker)):
            return True
        return bool(request_id) and self._marker(case).get("request") == request_id

    def lift(self, case: CaseId) -> bool:
        """Allow the case again; False if it was not erased."""
        known = self.holds(case)
        self.store.delete(keys.erased(case))
        return known

    def holds(self, case: str) -> bool:
        """Whether the case was erased; False for an empty id."""
        return bool(case) and self.store.head(keys.erased(CaseId(case))) is not None

    def cause(self, case: CaseId) -> str:
        """Why the case was erased; empty if it was not, or by a program that did not record it."""
        return str(self._marker(case).get("cause", ""))

    def _marker(self, case: CaseId) -> dict[str, Any]:
        try:
            marker: dict[str, Any] = json.loads(self.store.get(keys.erased(case)))
        except ObjectChangedError:
            return {}
        return marker


def request(case: CaseId, *cause: str, slide_digests: Iterable[str] = (), first_cause: str = "") -> CaseEraseRequested:
    """Ask for a case to be erased; the same cause gives the same event.

    The event carries why the case was erased first, else the first word of `cause`.
    """
    digests = sorted(set(slide_digests))
    name = event_id(CaseEraseRequested, case, *cause, *digests)
    shown = first_cause or (cause[0] if cause else "")
    return CaseEraseRequested(event_id=name, case_id=case, slide_digests=digests, cause=shown)


def letters_to_forget(store: BlobStore, *cases: CaseId) -> Callable[[Delivery], bool]:
    """Finds the dead letters of all cases that are marked as erased now, and of these cases.

    Letters of requests to erase stay until they are dropped: what they ask for is still to be done.
    """
    markers = {info.key for info in store.list(keys.ERASED)} | set(map(keys.erased, cases))

    def is_obsolete(letter: Delivery) -> bool:
        if topic_of(origin_of(letter)) == topics.CASES_ERASE:
            return False
        return any(keys.erased(CaseId(name)) in markers for name in cases_of(letter.record))

    return is_obsolete


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

    def reported(refusal: SlideRejected) -> None:
        if route.reported and not erased.holds(refusal.case_id):
            route.reported(refusal)

    return replace(route, handle=handle, reported=reported if route.reported else None)


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
    why = erased.cause(case)
    return (request(case, "erased while it was worked on", slide_digests=digests, first_cause=why),)


def _request_leftovers(store: BlobStore, case: CaseId, event: Any) -> Iterable[Event]:
    """Request the erasure of an earlier try's output, if there is any: its process may have died after the erasure."""
    leftovers = [
        digest for digest in _digests(event) if any(any(store.list(name)) for name in keys.derived(Sha256(digest)))
    ]
    if not leftovers and not any(store.list(keys.landings(case))):
        return ()
    why = ErasedCases(store).cause(case)
    return (request(case, "left by an earlier try", str(event), slide_digests=leftovers, first_cause=why),)


def _digests(*events: Any) -> list[str]:
    return [event.slide.digest for event in events if isinstance(event, SlideTiled | SlideEmbedded)]
