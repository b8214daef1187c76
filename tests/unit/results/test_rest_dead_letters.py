"""Dead letters over REST, for operators: listed with sentence and advice, and sent again."""

import pytest
from fastapi.testclient import TestClient

from services.results.rest import create_app
from shared.bus.dead_letters import to_dead_letter
from shared.bus.memory import MemoryBus
from shared.bus.port import Delivery, Record
from shared.errors import PoisonMessageError
from tests.support.results import Results


@pytest.fixture(autouse=True)
def bus(results: Results) -> MemoryBus:
    """Two dead letters."""
    bus = results.bus
    for key in ("MB-1", "MB-2"):
        delivery = Delivery(Record("cases.scored", key, b"\xff"), 0, 7)
        bus.producer().send([to_dead_letter(delivery, PoisonMessageError("it is no event"), "results")])
    return bus


@pytest.fixture
def client(results: Results) -> TestClient:
    return TestClient(create_app(results.backends()), base_url="http://127.0.0.1", raise_server_exceptions=False)


def test_dead_letters_are_listed_with_sentence_and_advice(client: TestClient) -> None:
    answer = client.get("/api/v1/dead-letters").json()
    assert answer["total"] == 2
    letter = answer["dead_letters"][0]
    assert (letter["reason"], letter["sentence"], letter["service"]) == ("poison_message", "it is no event", "results")
    assert letter["advice"] == PoisonMessageError.advice
    assert client.get("/api/v1/dead-letters?reason=no_tissue").json()["total"] == 0


def test_a_replayed_letter_goes_to_its_topic_and_says_when(client: TestClient, bus: MemoryBus) -> None:
    (letter,) = (each for each in client.get("/api/v1/dead-letters").json()["dead_letters"] if each["key"] == "MB-2")
    assert client.post("/api/v1/dead-letters", json={"ids": [letter["id"]]}).json() == {"replayed": [letter["id"]]}
    assert [record.key for record in bus.records("cases.scored")] == ["MB-2"]
    replayed = {each["key"]: each["replayed"] for each in client.get("/api/v1/dead-letters").json()["dead_letters"]}
    assert replayed["MB-1"] is None
    assert replayed["MB-2"]


def test_an_event_that_is_given_up_again_is_no_second_letter(client: TestClient, bus: MemoryBus) -> None:
    again = Delivery(Record("cases.scored", "MB-1", b"\xff"), 2, 44)
    bus.producer().send([to_dead_letter(again, PoisonMessageError("it is no event"), "results")] * 3)
    answer = client.get("/api/v1/dead-letters").json()
    assert answer["total"] == 2
    assert {letter["key"]: letter["times"] for letter in answer["dead_letters"]} == {"MB-1": 2, "MB-2": 1}


@pytest.mark.parametrize(
    "other",
    [
        Record("cases.scored", "MB-1", b"\xfe"),
        Record("cases.scored", "MB-3", b"\xff"),
        Record("slides.tiled", "MB-1", b"\xff"),
        Record("cases.scored", "MB-1", b"\xff", {"ce_id": "another event"}),
    ],
)
def test_another_event_is_a_letter_of_its_own(client: TestClient, bus: MemoryBus, other: Record) -> None:
    letter = to_dead_letter(Delivery(other, 0, 8), PoisonMessageError("it is no event"), "results")
    bus.producer().send([letter])
    assert client.get("/api/v1/dead-letters").json()["total"] == 3


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"ids": ["nothing"]}, 404, "unknown_dead_letter"),
        ({"ids": []}, 400, "bad_request"),
        ({"all": True}, 400, "bad_request"),
        ([], 400, "bad_request"),
    ],
)
def test_what_cannot_be_replayed_is_a_problem(client: TestClient, body: object, status: int, reason: str) -> None:
    answer = client.post("/api/v1/dead-letters", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_a_forgotten_letter_is_gone_and_readers_go_on_behind_it(bus: MemoryBus) -> None:
    assert bus.forget("dead.letters", lambda letter: letter.record.key == "MB-1") == 1
    assert [record.key for record in bus.records("dead.letters")] == ["MB-2"]
    assert bus.lag("nobody", ["dead.letters"]) == 2
