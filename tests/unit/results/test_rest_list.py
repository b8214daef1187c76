"""The list of cases over REST: filters, orders, counts and CSV."""

import base64
import csv
import io
import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from services.results import sql_counts
from services.results.rest import create_app
from tests.support import scores as samples
from tests.support.results import Results


@pytest.fixture
def client(results: Results) -> Iterator[TestClient]:
    """MB-1 scored with a record of the site north, MB-2 scored, MB-3 refused."""
    record = b'{"case_id": "MB-1", "site_id": "north"}'
    results.blobs.put("clinical/MB-1.json", record)
    first = samples.score("MB-1")
    first.provenance.clinical_digest = samples.digest(record.decode())
    results.score(first, minutes=1)
    results.score(samples.score("MB-2"), minutes=2)
    results.store.record_rejection(samples.rejected("MB-3", "A", samples.at(3)))
    app = create_app(results.backends())
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def ids(client: TestClient, query: str) -> list[str]:
    return [case["case_id"] for case in client.get(f"/api/v1/cases?{query}").json()["cases"]]


@pytest.mark.parametrize(
    ("query", "cases"),
    [
        ("state=scored", ["MB-2", "MB-1"]),
        ("state=scored&state=rejected&sort=case", ["MB-1", "MB-2", "MB-3"]),
        ("site=north", ["MB-1"]),
        ("q=NORTH", ["MB-1"]),
        ("reason=no_tissue", ["MB-3"]),
        ("group=", ["MB-3", "MB-2", "MB-1"]),
        ("group=none", []),
    ],
)
def test_filters_select_cases(client: TestClient, query: str, cases: list[str]) -> None:
    assert ids(client, query) == cases


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("state=done", "allowed are in_progress, scored, abstained, rejected, withdrawn, crosses_threshold"),
        ("certainty=sure", "allowed are clear, crosses_threshold, too_uncertain"),
        ("sort=name", "allowed are -updated, updated, case, -case, -risk, risk"),
    ],
)
def test_an_unknown_value_is_refused_with_what_is_allowed(client: TestClient, query: str, allowed: str) -> None:
    answer = client.get(f"/api/v1/cases?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad_request")
    assert allowed in answer.json()["detail"]


def test_a_page_token_of_another_order_is_refused(client: TestClient) -> None:
    token = client.get("/api/v1/cases?page_size=1&sort=risk").json()["next_page_token"]
    assert client.get(f"/api/v1/cases?page_size=1&sort=risk&page_token={token}").status_code == 200
    assert client.get(f"/api/v1/cases?page_size=1&page_token={token}").status_code == 400


def test_counts_tell_how_many_cases_have_each_value(client: TestClient) -> None:
    answer = client.get("/api/v1/case-counts?group=high").json()
    counts = {(count["field"], count["value"]): count["cases"] for count in answer["counts"]}
    assert answer["cases"] == 2
    assert counts["state", "scored"] == 2
    assert counts["group", "high"] == 2
    assert counts["site", "north"] == 1


def test_each_count_tells_whether_it_is_a_lower_bound(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_counts, "_MOST_SEARCHED", 2)
    answer = client.get("/api/v1/case-counts?q=mb&state=rejected").json()
    assert (answer["cases"], answer["more"]) == (1, False)
    assert {count["field"] for count in answer["counts"] if count["more"]} == {"state"}


def test_a_case_whose_risk_is_not_clear_counts_as_that_and_not_as_scored(client: TestClient, results: Results) -> None:
    score = samples.score("MB-4")
    score.certainty.state, score.risk_group = "too_uncertain", ""
    results.score(score, minutes=4)
    assert "MB-4" not in ids(client, "state=scored")
    assert ids(client, "state=too_uncertain") == ["MB-4"]
    counts = client.get("/api/v1/case-counts").json()["counts"]
    states = {count["value"]: count["cases"] for count in counts if count["field"] == "state"}
    assert states == {"scored": 2, "rejected": 1, "too_uncertain": 1}
    (row,) = csv.DictReader(io.StringIO(client.get("/api/v1/cases.csv?q=MB-4").text))
    assert row["state"] == "too_uncertain"


def test_the_csv_has_every_selected_case_by_id(client: TestClient) -> None:
    answer = client.get("/api/v1/cases.csv?state=scored&state=rejected")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["case_id"] for row in rows] == ["MB-1", "MB-2", "MB-3"]
    assert (rows[0]["risk"], rows[0]["site_id"], rows[2]["risk"], rows[2]["reasons"]) == (
        "0.31",
        "north",
        "",
        "no_tissue",
    )


def test_a_site_that_is_no_pseudonym_or_of_another_record_is_left_out(client: TestClient, results: Results) -> None:
    results.blobs.put("clinical/MB-4.json", b'{"site_id": "Dr. Smith, London"}')
    score = samples.score("MB-4")
    score.provenance.clinical_digest = samples.digest('{"site_id": "Dr. Smith, London"}')
    results.score(score)
    assert client.get("/api/v1/cases?q=MB-4").json()["cases"][0]["site_id"] == ""


@pytest.mark.parametrize("name", ["q", "group", "flag", "site", "reason"])
@pytest.mark.parametrize("path", ["cases", "cases.csv", "case-counts"])
def test_a_control_character_in_a_filter_is_refused(client: TestClient, path: str, name: str) -> None:
    answer = client.get(f"/api/v1/{path}", params={name: "a\0b"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad_request")


def test_a_page_token_with_another_case_id_than_a_pseudonym_is_refused(client: TestClient) -> None:
    token = base64.urlsafe_b64encode(json.dumps(["case", None, "a\0b"]).encode()).decode()
    answer = client.get("/api/v1/cases", params={"sort": "case", "page_token": token})
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad_request")
