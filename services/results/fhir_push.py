"""Keeps the document of each case on a FHIR server in step with its current score."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from medulla.v1.events_pb2 import CaseEraseRequested, CaseScored
from medulla.v1.scorer_pb2 import Score

from services.results.announced_score import announced_score
from services.results.case_state import read_score
from services.results.fhir_server import Resource
from services.results.ports import ResultStore
from shared import keys, metrics
from shared.blob.port import BlobStore
from shared.erased import ErasedCases
from shared.errors import PermanentError
from shared.export.exported_case import ExportedCase
from shared.logs import get
from shared.times import when
from shared.units import CaseId

_log = get(__name__)


class Bundles(Protocol):
    """Bundles of a FHIR server."""

    def bundle(self, bundle_id: str) -> Resource | None:
        """The Bundle of an id; None where there is none."""

    def put(self, bundle_id: str, document: bytes) -> None:
        """Create or replace a Bundle."""

    def delete(self, bundle_id: str) -> None:
        """Delete a Bundle, if there is one."""


@dataclass(frozen=True)
class _Current:
    """The current score of a case; None after a withdrawal."""

    revision: str
    score_id: str
    as_of: datetime
    score: Score | None


@dataclass(frozen=True)
class PushScore:
    """A score or a withdrawal in, the case's document at the server as it is now; running it again changes nothing."""

    blobs: BlobStore
    results: ResultStore
    server: Bundles

    def __call__(self, event: CaseScored) -> tuple[()]:
        """Send, replace or delete the document of the case; an event older than the current score sends that score."""
        case = keys.case_id(event.case_id, "the event of a score")
        erased = ErasedCases(self.blobs)
        try:
            if not erased.holds(case):
                self._bring_up_to_date(case, event)
        except PermanentError:
            if not erased.holds(case):
                raise
        if erased.holds(case):
            _remove(self.server, case)
        return ()

    def _bring_up_to_date(self, case: CaseId, event: CaseScored) -> None:
        """Send until nothing newer came meanwhile: events of a case may be handled at once, after retries."""
        sent = None
        while (current := self._current(case, event)) != sent:
            if current.score is None:
                _remove(self.server, case)
            else:
                _send(self.server, case, current.score, current.as_of)
            sent = current

    def _current(self, case: CaseId, event: CaseScored) -> _Current:
        """The newer of what the database holds and what the event announces, which may not be stored yet."""
        kept = self._kept(case)
        if kept and (kept.revision, kept.score_id) >= (event.revision, event.score_id):
            return kept
        score = None if event.withdrawn else announced_score(self.blobs, event)[1]
        return _Current(event.revision, event.score_id, when(event.as_of), score)

    def _kept(self, case: CaseId) -> _Current | None:
        facts = self.results.case(case)
        if facts and facts.current:
            score = read_score(facts.current.body, "the database")
            return _Current(facts.current.revision, score.score_id, facts.current.as_of, score)
        if facts and facts.withdrawn:
            return _Current(facts.withdrawn.revision, "", facts.withdrawn.as_of, None)
        return None


@dataclass(frozen=True)
class RemoveErased:
    """A request to erase in, no document of the case at the server."""

    server: Bundles

    def __call__(self, event: CaseEraseRequested) -> tuple[()]:
        """Delete the document of the case, unless the request still depends on a condition."""
        case = keys.case_id(event.case_id, "the request")
        if not event.HasField("idle_since"):
            _remove(self.server, case)
        return ()


def bundle_id(case: CaseId) -> str:
    """The id of the case's document at the server; it stays, and does not show the pseudonym."""
    return str(uuid5(NAMESPACE_URL, f"urn:medulla:case:{case}"))


def _send(server: Bundles, case: CaseId, score: Score, as_of: datetime) -> None:
    from shared.export.fhir.document import document_identifier, fhir_document

    name = bundle_id(case)
    standing = (server.bundle(name) or {}).get("identifier")
    if isinstance(standing, dict) and standing.get("value") == document_identifier(score):
        _count("unchanged")
        return
    server.put(name, fhir_document(ExportedCase(score, as_of, lambda _: None), name))
    _count("stored")


def _remove(server: Bundles, case: CaseId) -> None:
    server.delete(bundle_id(case))
    _count("removed")


def _count(outcome: str) -> None:
    metrics.FHIR_DOCUMENTS.labels(outcome).inc()
    _log.info("the FHIR server is in step", outcome=outcome)
