"""Topics of results and their handlers."""

from collections.abc import Sequence
from typing import Any

from medulla.v1.events_pb2 import CaseEraseRequested, CaseScored, Progress, SlideRejected

from services.results.fhir_push import Bundles, PushScore, RemoveErased
from services.results.handler import EraseResults, RecordProgress, RecordRejection, RecordScore
from services.results.ports import ResultStore
from shared.blob.port import BlobStore
from shared.bus import topics
from shared.bus.events import decoder
from shared.erased import drop_erased
from shared.route import Route

SERVICE = "results"
"""Name in logs, metrics and dead letters, and the consumer group."""
FHIR = "results_fhir"
"""The same of the push to a FHIR server, so that a slow one delays nothing else."""


def routes(blobs: BlobStore, results: ResultStore) -> Sequence[Route[Any]]:
    """All routes of results."""
    kept: Sequence[Route[Any]] = (
        *(Route(topic, decoder(CaseScored), RecordScore(blobs, results)) for topic in topics.SCORED),
        Route(topics.SLIDES_REJECTED, decoder(SlideRejected), RecordRejection(blobs, results)),
        Route(topics.PROGRESS, decoder(Progress), RecordProgress(results), minor=True, may_crash=lambda _: False),
    )
    erase = Route(topics.CASES_ERASE, decoder(CaseEraseRequested), EraseResults(blobs, results))
    return (*drop_erased(kept, blobs), erase)


def fhir_routes(blobs: BlobStore, results: ResultStore, server: Bundles) -> Sequence[Route[Any]]:
    """All routes of the push to a FHIR server; they see to erased cases themselves."""
    return (
        *(Route(topic, decoder(CaseScored), PushScore(blobs, results, server)) for topic in topics.SCORED),
        Route(topics.CASES_ERASE, decoder(CaseEraseRequested), RemoveErased(server)),
    )
