"""The document of a case at a FHIR server follows its current score, whatever the order of events."""

import json
from collections.abc import Callable

import pytest
from medulla.v1.events_pb2 import CaseEraseRequested, CaseScored

from services.results.errors import FhirServerDownError, RefusedByFhirServerError
from services.results.fhir_push import PushScore, RemoveErased, bundle_id
from services.results.fhir_server import Resource
from services.results.handler import RecordScore
from shared.erased import ErasedCases
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.results import Results

CASE = CaseId("MB-1")


class FakeServer:
    """Bundles of a server that never refuses; counts the versions of each."""

    def __init__(self) -> None:
        self.bundles: dict[str, Resource] = {}
        self.puts = 0
        self.on_put: Callable[[], object] = lambda: None

    def bundle(self, bundle_id: str) -> Resource | None:
        return self.bundles.get(bundle_id)

    def put(self, bundle_id: str, document: bytes) -> None:
        self.puts += 1
        self.bundles[bundle_id] = json.loads(document)
        self.on_put()

    def delete(self, bundle_id: str) -> None:
        self.bundles.pop(bundle_id, None)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def announce(results: Results, version: str, minutes: float) -> CaseScored:
    """Store a score of the case; the event that announces it."""
    score = samples.score(CASE, version)
    event = samples.scored(score, samples.at(minutes))
    results.blobs.put_new(event.score_key, samples.body(score).encode())
    return event


def standing(server: FakeServer) -> list[str]:
    """Ids of the scores whose documents stand at the server."""
    resources = [entry["resource"] for bundle in server.bundles.values() for entry in bundle["entry"]]
    return [each["identifier"][0]["value"] for each in resources if each["resourceType"] == "RiskAssessment"]


def test_a_score_is_sent_once_though_its_event_comes_again(results: Results, server: FakeServer) -> None:
    event = announce(results, "1", 1)
    for _ in range(3):
        PushScore(results.blobs, results.store, server)(event)
    assert (server.puts, list(server.bundles)) == (1, [bundle_id(CASE)])
    document = server.bundles[bundle_id(CASE)]
    assert (document["id"], document["type"]) == (bundle_id(CASE), "document")


def test_an_older_event_does_not_replace_the_document_of_a_newer_score(results: Results, server: FakeServer) -> None:
    older, newer = announce(results, "1", 1), announce(results, "2", 2)
    RecordScore(results.blobs, results.store)(newer)
    push = PushScore(results.blobs, results.store, server)
    push(newer)
    push(older)
    assert standing(server) == [newer.score_id]


def test_a_score_that_came_while_an_older_one_was_sent_stands_in_the_end(results: Results, server: FakeServer) -> None:
    older, newer = announce(results, "1", 1), announce(results, "2", 2)
    server.on_put = lambda: RecordScore(results.blobs, results.store)(newer)
    PushScore(results.blobs, results.store, server)(older)
    assert standing(server) == [newer.score_id]


def test_the_document_of_a_withdrawn_score_goes(results: Results, server: FakeServer) -> None:
    push = PushScore(results.blobs, results.store, server)
    push(announce(results, "1", 1))
    push(samples.withdrawn(CASE, samples.at(2), nothing_left=False))
    assert not server.bundles


def test_an_erased_case_leaves_no_document_even_if_it_is_erased_while_it_is_sent(
    results: Results, server: FakeServer
) -> None:
    event, erased = announce(results, "1", 1), ErasedCases(results.blobs)
    server.on_put = lambda: erased.add(CASE)
    push = PushScore(results.blobs, results.store, server)
    push(event)
    assert (server.puts, server.bundles) == (1, {})
    push(event)
    assert (server.puts, server.bundles) == (1, {})
    server.bundles[bundle_id(CASE)] = {}
    conditional = CaseEraseRequested(event_id="e", case_id=CASE)
    conditional.idle_since.GetCurrentTime()
    RemoveErased(server)(conditional)
    assert server.bundles
    RemoveErased(server)(CaseEraseRequested(event_id="e", case_id=CASE))
    assert not server.bundles


@pytest.mark.parametrize("error", [RefusedByFhirServerError("no"), FhirServerDownError("not now")])
def test_refusals_and_outages_are_left_to_the_steps(results: Results, server: FakeServer, error: Exception) -> None:
    def fail() -> None:
        raise error

    server.on_put = fail
    with pytest.raises(type(error)):
        PushScore(results.blobs, results.store, server)(announce(results, "1", 1))


def test_the_id_at_the_server_is_of_the_case_and_does_not_name_it() -> None:
    assert bundle_id(CASE) == bundle_id(CaseId("MB-1")) != bundle_id(CaseId("MB-2"))
    assert "MB-1" not in bundle_id(CASE)
