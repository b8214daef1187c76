"""Notes and timelines over REST: what a note may state, who and when, and what happened to a case."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.results.rest import create_app
from shared import keys, model_keys
from shared.blob.folder import FolderStore
from shared.rpc.auth import Principal
from shared.units import Sha256
from tests.support import scores as samples
from tests.support.results import Results

OUTCOMES = {"0": "censored", "1": "relapse or progression"}


@pytest.fixture
def client(results: Results) -> Iterator[TestClient]:
    """A scored case MB-1 whose bundle stands in the bucket."""
    results.score(samples.score("MB-1"))
    manifest = {"profile": {"outcome": {"codes": OUTCOMES}}}
    results.blobs.put(
        f"{model_keys.bundle_prefix(Sha256(samples.digest('bundle')))}bundle.json", json.dumps(manifest).encode()
    )
    app = create_app(results.backends())
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def test_a_note_is_kept_with_who_when_and_the_score_that_was_seen(client: TestClient) -> None:
    answer = client.post("/api/v1/cases/MB-1/notes", json={"kind": "disagrees", "text": "Looks <b>low</b>"})
    assert answer.status_code == 201
    me = client.get("/api/v1/me").json()
    (note,) = client.get("/api/v1/cases/MB-1/notes").json()["notes"]
    assert note == answer.json()
    assert (note["author"], note["author_name"]) == (me["subject"], me["name"])
    assert (note["score_id"], note["text"]) == (samples.digest("MB-1#1"), "Looks <b>low</b>")
    assert note["at"].startswith("20")


def test_a_tile_is_marked_with_the_digest_of_its_slide(client: TestClient) -> None:
    tile = {"kind": "artefact", "slide_id": "A1", "x_px": 256, "y_px": 512, "text": "pen"}
    assert client.post("/api/v1/cases/MB-1/notes", json=tile).json()["slide_digest"] == samples.digest("MB-1/A1")


@pytest.mark.parametrize(
    ("note", "problem"),
    [
        ({"kind": "liked"}, "kind is"),
        ({}, "kind is"),
        ([], "note is no JSON object"),
        ({"kind": "seen", "author": "somebody"}, "is no field of such a note"),
        ({"kind": "seen", "x_px": 1}, "is no field of such a note"),
        ({"kind": "seen", "text": 5}, "wrong type"),
        ({"kind": "seen", "text": "x" * 2001}, "2001 characters, allowed are 2000"),
        ({"kind": "disagrees", "text": "  "}, "say why you disagree"),
        ({"kind": "artefact", "slide_id": "Z9", "x_px": 1, "y_px": 1}, "no slide of the current score"),
        ({"kind": "artefact", "slide_id": "A1", "x_px": 2220, "y_px": 1}, "are not on the slide"),
        ({"kind": "artefact", "slide_id": "A1", "x_px": -1, "y_px": 1}, "are not on the slide"),
        ({"kind": "outcome", "event": "9", "event_years": 2}, "allowed are 0, 1"),
        ({"kind": "outcome", "event": "1"}, "event_date or event_years is missing"),
        ({"kind": "outcome", "event": "1", "event_date": "2999-01-01"}, "a date until today"),
        ({"kind": "outcome", "event": "1", "event_date": "yesterday"}, "a date until today"),
        ({"kind": "outcome", "event": "1", "event_years": 0}, "above 0 to 120"),
        ({"kind": "outcome", "event": "1", "event_years": "NaN"}, "above 0 to 120"),
    ],
)
def test_a_note_that_lacks_something_is_refused_with_a_sentence(client: TestClient, note: Any, problem: str) -> None:
    answer = client.post("/api/v1/cases/MB-1/notes", json=note)
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad_request")
    assert problem in answer.json()["detail"]
    assert client.get("/api/v1/cases/MB-1/notes").json()["notes"] == []


def test_a_long_body_and_an_unknown_case_are_refused(client: TestClient, results: Results) -> None:
    assert client.post("/api/v1/cases/MB-1/notes", content=b" " * 20_000).status_code == 400
    assert client.post("/api/v1/cases/nobody/notes", json={"kind": "seen"}).status_code == 404
    results.blobs.put("slides/MB-9/a.svs", b"x")
    assert client.post("/api/v1/cases/MB-9/notes", json={"kind": "seen"}).status_code == 404


def test_outcomes_are_those_of_the_model_and_unknown_without_its_bundle(client: TestClient, results: Results) -> None:
    assert client.get("/api/v1/cases/MB-1/outcomes").json() == {"outcomes": OUTCOMES}
    results.store.record_rejection(samples.rejected("MB-2", "A", samples.at(1)))
    assert client.get("/api/v1/cases/MB-2/outcomes").json() == {"outcomes": {}}
    outcome = {"kind": "outcome", "event": "relapse", "event_years": 1.5}
    assert client.post("/api/v1/cases/MB-2/notes", json=outcome).status_code == 201


def test_a_case_without_a_score_has_no_outcomes_in_a_folder_either(results: Results, tmp_path: Path) -> None:
    results.store.record_rejection(samples.rejected("MB-2", "A", samples.at(1)))
    app = create_app(replace(results.backends(), blobs=FolderStore(tmp_path / "bucket")))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.get("/api/v1/cases/MB-2/outcomes")
        assert (answer.status_code, answer.json()) == (200, {"outcomes": {}})


def test_all_notes_are_exported_as_csv_and_no_text_is_a_formula(client: TestClient) -> None:
    for note in (
        {"kind": "seen", "text": "=cmd()"},
        {"kind": "outcome", "event": "1", "event_date": "2026-01-02", "event_years": 1.5},
    ):
        client.post("/api/v1/cases/MB-1/notes", json=note)
    rows = list(csv.DictReader(io.StringIO(client.get("/api/v1/notes.csv").text)))
    assert [(row["case_id"], row["event"], row["event_years"], row["x_px"], row["simulated"]) for row in rows] == [
        ("MB-1", "", "", "", "SIMULATED"),
        ("MB-1", "1", "1.5", "", "SIMULATED"),
    ]
    assert rows[0]["text"] == "'=cmd()"


def kinds(client: TestClient, case: str) -> list[str]:
    return [event["kind"] for event in client.get(f"/api/v1/cases/{case}/timeline").json()["events"]]


def test_a_timeline_tells_what_happened_to_a_case(client: TestClient, results: Results) -> None:
    results.blobs.put("slides/MB-1/A1", b"x")
    results.blobs.put("clinical/MB-1.json", b"{}")
    provenance = samples.provenance("MB-1", ("A1",))
    slide, plan = Sha256(provenance.slides[0].slide_digest), Sha256(provenance.slides[0].plan_digest)
    results.blobs.put(keys.plan_prefix(slide, plan) + keys.PLAN, b"{}")
    results.blobs.put(keys.bag_prefix(slide, plan, Sha256(provenance.encoder_digest)) + "bag.safetensors", b"x")
    results.store.record_rejection(samples.rejected("MB-1", "B", samples.at(2)))
    results.score(samples.score("MB-1", "2"), minutes=3)
    client.post("/api/v1/cases/MB-1/notes", json={"kind": "seen"})
    results.withdraw("MB-1", 5)
    assert sorted(kinds(client, "MB-1")) == sorted(
        ["landed", "landed", "planned", "embedded", "scored", "rescored", "refused", "noted", "withdrawn"]
    )
    events = client.get("/api/v1/cases/MB-1/timeline").json()["events"]
    assert next(event["bundle_name"] for event in events if event["kind"] == "rescored") == "demo-simulated"
    times = [datetime.fromisoformat(event["at"]) for event in events]
    assert times == sorted(times, reverse=True)


def test_of_an_erased_case_the_timeline_tells_the_erasure_and_digests_only(
    client: TestClient, results: Results
) -> None:
    client.post("/api/v1/cases/MB-1/notes", json={"kind": "disagrees", "text": "secret"})
    results.store.erase(keys.named_case("MB-1", "a test"))
    assert sorted(kinds(client, "MB-1")) == ["erased", "noted", "scored"]
    assert "secret" not in client.get("/api/v1/cases/MB-1/timeline").text
    assert client.get("/api/v1/cases/nobody/timeline").status_code == 404


def test_who_is_calling_is_told_with_its_roles(client: TestClient) -> None:
    me = client.get("/api/v1/me").json()
    assert (me["subject"], me["roles"]) == ("local", ["operator", "viewer"])
    assert Principal("x", frozenset()).name == ""
