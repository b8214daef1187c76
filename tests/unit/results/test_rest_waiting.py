"""What waits, over REST: operators alone read it."""

from dataclasses import replace

from fastapi.testclient import TestClient

from services.results.rest import create_app
from shared.waiting import WaitingList, WaitingSlide
from tests.support import scores as samples
from tests.support.results import Results


def test_each_slide_that_waits_is_answered_with_reason_attempt_and_trace(results: Results) -> None:
    at = samples.at(5)
    slide = WaitingSlide("MB-1", "A1.svs", at, "planning", at, "tiler, attempt 1: no answer", at, "https://t/0a")
    backends = replace(results.backends(), waiting=lambda: WaitingList(at, [slide], "Kafka does not answer"))
    client = TestClient(create_app(backends), base_url="http://127.0.0.1")
    answer = client.get("/api/v1/waiting").json()
    assert answer["problem"] == "Kafka does not answer"
    (listed,) = answer["slides"]
    assert (listed["slide_id"], listed["stage"], listed["trace"]) == ("A1.svs", "planning", "https://t/0a")
    assert listed["next_attempt"] == at.isoformat().replace("+00:00", "Z")
