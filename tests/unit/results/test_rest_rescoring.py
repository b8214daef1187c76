"""Scoring in the background, over REST."""

from datetime import timedelta

from fastapi.testclient import TestClient

from services.results.rest import create_app
from shared.rescoring import RescoringProgress, RescoringRequest
from shared.units import Sha256
from tests.support import scores as samples
from tests.support.results import Results


def answer(results: Results) -> dict[str, object]:
    client = TestClient(create_app(results.backends()), base_url="http://127.0.0.1")
    return dict(client.get("/api/v1/rescoring").json())


def test_cases_rate_and_rest_are_answered(results: Results) -> None:
    request = RescoringRequest(samples.at(5), Sha256("ab" * 32))
    results.rescoring = RescoringProgress(request, waiting=400, requested=1000, elapsed_s=600)
    assert answer(results) == {
        "requested": 1000,
        "done": 600,
        "waiting": 400,
        "since": samples.at(5).isoformat(),
        "bundle": "ab" * 32,
        "per_minute": 60,
        "remaining_s": timedelta(seconds=400).total_seconds(),
        "stopped": False,
    }


def test_before_the_first_request_nothing_is_counted(results: Results) -> None:
    empty = answer(results)
    assert (empty["since"], empty["requested"], empty["remaining_s"]) == (None, 0, None)
