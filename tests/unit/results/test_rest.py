"""REST answers with the messages of results.proto, pages, problems and headers that browsers obey."""

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient
from google.protobuf import json_format
from medulla.v1.results_pb2 import GetCaseResponse
from medulla.v1.scorer_pb2 import Score

from services.results.handler import RecordRejection
from services.results.refused import RefusedUploads
from services.results.rest import create_app
from shared.erased import ErasedCases
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.logs import logging_as
from tests.support.results import Results
from tests.support.spans import recorded_spans


@pytest.fixture
def client(results: Results) -> Iterator[TestClient]:
    app = create_app(results.backends())
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def test_a_case_is_the_json_of_its_message(client: TestClient, results: Results) -> None:
    score = results.score(samples.score("MB-1"))
    answer = client.get("/api/v1/cases/MB-1")
    assert json_format.Parse(answer.text, GetCaseResponse()).score == score
    assert answer.json()["summary"]["state"] == "CASE_STATE_SCORED"
    assert answer.json()["score"]["slides"][0]["attention_key"].startswith("attention/")


@pytest.mark.parametrize("key", ["slides/MB-1/A.svs", "clinical/MB-1.json"])
def test_a_case_that_waits_for_its_turn_is_in_progress(key: str, client: TestClient, results: Results) -> None:
    assert client.get("/api/v1/cases/MB-1").status_code == HTTPStatus.NOT_FOUND
    results.blobs.put(key, b"x")
    assert client.get("/api/v1/cases/MB-1").json()["summary"]["state"] == "CASE_STATE_IN_PROGRESS"
    ErasedCases(results.blobs).add(CaseId("MB-1"))
    assert client.get("/api/v1/cases/MB-1").status_code == HTTPStatus.NOT_FOUND


def test_a_file_that_is_no_slide_makes_no_case(client: TestClient, results: Results) -> None:
    results.blobs.put("slides/MB-1/A.svs.part", b"x")
    assert client.get("/api/v1/cases/MB-1").status_code == HTTPStatus.NOT_FOUND


def test_fields_that_are_zero_or_empty_are_said(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1"))
    score = client.get("/api/v1/cases/MB-1").json()["score"]
    assert score["abstained"] is False
    assert score["modalities_missing"] == []


def test_pages_follow_each_other_to_the_end(client: TestClient, results: Results) -> None:
    for n in range(5):
        results.score(samples.score(f"MB-{n}"), minutes=n)
    ids, token = [], ""
    while True:
        page = client.get("/api/v1/cases", params={"page_size": 2, "page_token": token}).json()
        ids += [item["case_id"] for item in page["cases"]]
        token = page["next_page_token"]
        if not token:
            break
    assert ids == ["MB-4", "MB-3", "MB-2", "MB-1", "MB-0"]


def test_a_page_that_ends_with_the_last_case_has_no_next(client: TestClient, results: Results) -> None:
    for n in range(2):
        results.score(samples.score(f"MB-{n}"), minutes=n)
    assert client.get("/api/v1/cases", params={"page_size": 2}).json()["next_page_token"] == ""


def test_scores_come_with_the_current_one_first(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1", "1"), minutes=2)
    results.score(samples.score("MB-1", "2"), minutes=1)
    kept = client.get("/api/v1/cases/MB-1/scores").json()["scores"]
    assert [item["current"] for item in kept] == [True, False]
    assert kept[0]["as_of"] == "2026-03-02T09:02:00Z"


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/cases/nobody", 404, "not_found"),
        ("/cases/nobody/scores", 404, "not_found"),
        ("/cases/a%20b", 400, "bad_case_id"),
        ("/cases/MB-1/slides/none/thumbnail", 404, "not_found"),
        ("/cases/MB-1/slides/none/attention", 404, "not_found"),
        ("/cases?page_size=201", 400, "bad_request"),
        ("/cases?page_size=many", 400, "bad_request"),
        ("/cases?page_token=garbage", 400, "bad_request"),
        ("/cases?page_token=MjAyNi0wMy0wMlQwOTowMTowMCBh", 400, "bad_request"),
        ("/nothing/here", 404, "not_found"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    client: TestClient, results: Results, path: str, status: int, reason: str
) -> None:
    results.score(samples.score("MB-1"))
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == reason
    assert {"type", "title", "status", "detail"} <= answer.json().keys()
    assert answer.headers["cache-control"] == "no-store"


def test_a_method_that_is_not_there_is_a_problem(client: TestClient) -> None:
    answer = client.post("/api/v1/cases")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


def test_a_bug_is_a_problem_that_tells_nothing(
    client: TestClient, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(results.store, "page", fail)
    with logging_as("results", "INFO") as logged:
        answer = client.get("/api/v1/cases")
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal_error")
    assert "secret" not in answer.text
    (line,) = logged.lines("internal error")
    assert answer.json()["incident"] == line["incident"]
    assert line["incident"] in answer.json()["detail"]
    assert "secret" not in logged.text()
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_database_that_is_away_is_a_problem_to_try_again(
    client: TestClient, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results.store, "engine", type(results.store)("postgresql://x:y@127.0.0.1:1/z").engine)
    answer = client.get("/api/v1/cases")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_slide_has_its_picture_and_its_map(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1"))
    picture = client.get("/api/v1/cases/MB-1/slides/A1/thumbnail")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "no-store"
    drawn = client.get("/api/v1/cases/MB-1/slides/A1/attention").json()
    assert len(drawn["x"]) == len(drawn["y"]) == len(drawn["attention"]) == 88
    assert (drawn["square_width_px"], drawn["merged"]) == (256.5, 1)


def test_a_refused_slide_has_its_picture_too(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1"))
    refused = samples.rejected("MB-2", "A", samples.at(1))
    refused.thumbnail_key = samples.score("MB-1").slides[0].thumbnail_key
    results.store.record_rejection(refused)
    assert client.get("/api/v1/cases/MB-2/slides/A/thumbnail").status_code == 200


@pytest.mark.parametrize("data", [b"", b"not safetensors", b"\xff" * 64], ids=["empty", "text", "bytes"])
def test_a_broken_map_is_a_problem(client: TestClient, results: Results, data: bytes) -> None:
    score = samples.score("MB-1", slides=("A1",))
    results.blobs.put_new(score.slides[0].attention_key, data)
    results.blobs.put_new(score.slides[0].thumbnail_key, data)
    results.score(score)
    for kind in ("attention", "thumbnail"):
        answer = client.get(f"/api/v1/cases/MB-1/slides/A1/{kind}")
        assert (answer.status_code, answer.json()["reason"]) == (502, "digest_mismatch")


def test_html_stored_as_a_picture_is_never_served(client: TestClient, results: Results) -> None:
    score = samples.score("MB-1", slides=("A1",))
    results.blobs.put_new(score.slides[0].thumbnail_key, b"<script>alert(1)</script>")
    results.score(score)
    assert "script" not in client.get("/api/v1/cases/MB-1/slides/A1/thumbnail").text


def test_the_audit_record_can_be_checked(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1"))
    report = client.get("/api/v1/audit/verify").json()
    assert (report["intact"], report["entries"], len(report["head"])) == (True, 1, 64)


@pytest.mark.parametrize("path", ["/", "/app.js", "/style.css", "/api/v1/cases", "/api/v1/nothing"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] in {"no-store", "no-cache"}


def test_the_files_of_the_page_have_etags(client: TestClient) -> None:
    first = client.get("/app.js")
    again = client.get("/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize("path", ["/../rest.py", "/%2e%2e/rest.py", "/..%2frest.py"])
def test_nothing_but_the_page_is_served_as_a_file(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_description_names_every_field_of_a_score(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert set(described["components"]["schemas"]["Score"]["properties"]) == set(Score.DESCRIPTOR.fields_by_name)
    content = described["paths"]["/api/v1/cases/{case_id}"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/GetCaseResponse"}


def test_every_reference_of_the_description_leads_somewhere(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    names = {text.partition('"')[0] for text in json.dumps(described).split("#/components/schemas/")[1:]}
    assert names <= set(described["components"]["schemas"])


def test_the_open_mode_answers_to_the_names_of_this_machine_only(client: TestClient) -> None:
    assert client.get("/api/v1/cases", headers={"Host": "evil.example"}).status_code == 403
    assert client.get("/api/v1/cases", headers={"Host": "localhost:8080"}).status_code == 200


def test_refused_uploads_without_a_case_are_listed_while_they_stand(client: TestClient, results: Results) -> None:
    for key in ("slides/loose.svs", "slides/a b/c.svs"):
        results.blobs.put(key, b"slide")
        loose = samples.rejected("", "", samples.at(1))
        loose.object_key, loose.event_id = key, key
        RecordRejection(results.blobs, results.store)(loose)
    listed = client.get("/api/v1/refused").json()["refused"]
    assert sorted(item["object_key"] for item in listed) == ["slides/a b/c.svs", "slides/loose.svs"]
    assert all(item["sentence"] and item["advice"] for item in listed)
    assert client.get("/api/v1/cases").json()["cases"] == []
    results.blobs.delete("slides/loose.svs")
    assert [item["object_key"] for item in client.get("/api/v1/refused").json()["refused"]] == ["slides/a b/c.svs"]
    RefusedUploads(results.blobs, results.store).forget_removed()
    assert [item.object_key for item in results.store.refused(9)] == ["slides/a b/c.svs"]


def test_a_request_that_names_no_case_id_is_answered_with_what_an_id_looks_like(client: TestClient) -> None:
    answers = client.get("/api/v1/cases/a%20b"), client.delete("/api/v1/cases/a%20b")
    assert [answer.status_code for answer in answers] == [400, 400]
    assert {answer.json()["advice"] for answer in answers} == {
        "Name the case by its id, 1 to 64 of A-Z a-z 0-9 . _ -, the first no dot."
    }


def test_paths_and_searches_which_may_hold_a_name_are_in_no_trace(client: TestClient) -> None:
    spans = recorded_spans()
    spans.clear()
    assert client.get("/api/v1/cases/MB-1/slides/Wolverine-Eva.svs/thumbnail").status_code == HTTPStatus.NOT_FOUND
    assert client.get("/api/v1/cases?search=Wolverine").status_code == HTTPStatus.OK
    assert not [span for span in spans.finished() if "Wolverine" in span.to_json()]
