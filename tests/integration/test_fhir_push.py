"""Scores reach a real FHIR server (HAPI) once each, through outages and refusals, and leave it when they are erased."""

import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from medulla.v1.events_pb2 import CaseScored
from prometheus_client import REGISTRY
from pydantic import SecretStr

from services.results.fhir_push import bundle_id
from services.results.fhir_server import FhirServer, FhirSettings
from services.results.routes import FHIR, fhir_routes
from shared.bus import dead_letters, topics
from shared.bus.dead_letter_topic import DeadLetterTopic
from shared.bus.events import to_record
from shared.bus.retry import RetryPolicy
from shared.erased import request
from shared.route import subscriptions
from shared.units import CaseId
from shared.worker import Worker
from tests.stack.fhir_server import FhirServer as Hapi
from tests.support import scores as samples
from tests.support.bus import running
from tests.support.logs import logging_as
from tests.support.polling import eventually
from tests.support.results import Results

QUICK = RetryPolicy(base_s=0.2, cap_s=0.2)
ABSENT = {"version": 0}


class Push:
    """The push on a bus in memory; one worker, as in the service."""

    def __init__(self, folder: Path, hapi: Hapi) -> None:
        self.case, self.hapi, self.results = CaseId(f"f-{uuid.uuid4().hex[:10]}"), hapi, Results(folder)
        settings = FhirSettings(url=hapi.base, token=SecretStr(hapi.token_file.read_text()), timeout_s=5)
        self.routes = fhir_routes(self.results.blobs, self.results.store, FhirServer(settings))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The worker in a thread."""
        bus = self.results.bus
        consumer = bus.consumer(FHIR, subscriptions(FHIR, self.routes))
        with running(Worker(FHIR, consumer, bus.producer(), self.routes, QUICK).run):
            yield

    def send(self, *events: Any) -> None:
        """Publish events."""
        self.results.bus.producer().send([to_record(event, "test") for event in events])

    def score(self, version: str, minutes: float) -> CaseScored:
        """Store a score of the case; the event that announces it."""
        score = samples.score(self.case, version)
        event = samples.scored(score, samples.at(minutes))
        self.results.blobs.put_new(event.score_key, samples.body(score).encode())
        return event

    def drained(self) -> bool:
        """Whether every record is handled."""
        return self.results.bus.lag(FHIR, subscriptions(FHIR, self.routes)) == 0

    def letters(self) -> list[dead_letters.DeadLetter]:
        """Dead letters of the push."""
        return [dead_letters.read(record) for record in self.results.bus.records(topics.DEAD_LETTERS)]

    def standing(self) -> dict[str, Any]:
        """Version and score of the case's document at the server."""
        url = f"{self.hapi.base}/Bundle/{bundle_id(self.case)}"
        token = {"Authorization": f"Bearer {self.hapi.token_file.read_text()}"}
        try:
            with urlopen(Request(url, headers=token), timeout=30) as answer:  # noqa: S310 - the server of this test
                bundle = json.load(answer)
        except HTTPError as error:
            if error.code in {404, 410}:
                return ABSENT
            raise
        (risk,) = (e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "RiskAssessment")
        return {"version": int(bundle["meta"]["versionId"]), "score": risk["identifier"][0]["value"]}


@pytest.fixture
def push(tmp_path: Path, fhir_server: Hapi) -> Iterator[Push]:
    opened = Push(tmp_path, fhir_server)
    yield opened
    opened.results.close()


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("medulla_fhir_documents_total", {"outcome": outcome}) or 0


def test_each_event_three_times_is_one_version_and_a_newer_score_the_next(push: Push) -> None:
    older, newer = push.score("1", 1), push.score("2", 2)
    before = counted("stored")
    with push.at_work(), logging_as(FHIR, "INFO") as logged:
        push.send(older, older, older)
        eventually(push.drained)
        assert push.standing() == {"version": 1, "score": older.score_id}
        push.send(newer, newer)
        eventually(push.drained)
    assert push.standing() == {"version": 2, "score": newer.score_id}
    assert counted("stored") == before + 2
    outcomes = [line["outcome"] for line in logged.lines("the FHIR server is in step")]
    assert outcomes == ["stored", "unchanged", "unchanged", "stored", "unchanged"]


def test_a_server_that_hangs_is_asked_again_until_it_answers(push: Push) -> None:
    event = push.score("1", 1)
    push.hapi.program.signal(signal.SIGSTOP)
    try:
        with push.at_work():
            push.send(event)
            eventually(lambda: push.results.bus.records(topics.retry_topic(FHIR)))
            push.hapi.program.signal(signal.SIGCONT)
            eventually(push.drained)
    finally:
        push.hapi.program.signal(signal.SIGCONT)
    assert (push.standing()["score"], push.letters()) == (event.score_id, [])


def test_a_refusal_is_a_dead_letter_that_works_once_replayed(push: Push) -> None:
    event, token = push.score("1", 1), push.hapi.token_file.read_text()
    with push.at_work(), logging_as(FHIR, "INFO") as logged:
        push.hapi.token_file.write_text("renewed")
        try:
            push.send(event)
            eventually(push.letters)
        finally:
            push.hapi.token_file.write_text(token)
        (letter,) = push.letters()
        assert (letter.reason, letter.service) == ("refused_by_fhir_server", FHIR)
        assert letter.sentence.startswith("the FHIR server answers GET with 401: ")
        assert "The bearer token is not known here" in letter.sentence
        assert "not known here" not in logged.text()
        records = DeadLetterTopic(push.results.bus.deliveries, push.results.bus.producer())
        records.send_again(records.letters_with(letter.reason))
        eventually(push.drained)
    assert push.standing()["score"] == event.score_id


def test_withdrawals_and_erasures_delete_the_document(push: Push) -> None:
    first = push.score("1", 1)
    with push.at_work():
        push.send(first)
        eventually(push.drained)
        push.send(samples.withdrawn(push.case, samples.at(2), nothing_left=False))
        eventually(push.drained)
        assert push.standing() == ABSENT
        push.send(push.score("2", 3))
        eventually(push.drained)
        assert push.standing()["score"] == samples.digest(f"{push.case}#2")
        push.send(request(push.case, "test"))
        eventually(push.drained)
    assert push.standing() == ABSENT
