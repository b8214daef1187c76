"""Outcomes that people noted on the page reach the table that the trainer reads."""

import csv
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from services.results.rest import create_app
from tests.support import scores as samples
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.results import Results

COHORT = "case_id,chang_m_stage,time_days,event_code\nMB-1,M0,100,0\nMB-2,M1,200,0\nMB-3,M2,300,1\n"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Notes as REST exports them: MB-1 twice, MB-2 by date alone, MB-9 of another cohort."""
    results = Results(tmp_path)
    for case in ("MB-1", "MB-2", "MB-9"):
        results.score(samples.score(case))
    with TestClient(create_app(results.backends()), base_url="http://127.0.0.1") as client:
        for case, note in (
            ("MB-1", {"event": "1", "event_years": 1.5}),
            ("MB-1", {"event": "3", "event_years": 2}),
            ("MB-2", {"event": "1", "event_date": "2026-01-02"}),
            ("MB-9", {"event": "1", "event_years": 1}),
        ):
            answer = client.post(f"/api/v1/cases/{case}/notes", json={"kind": "outcome", **note})
            assert answer.status_code == 201
        client.post("/api/v1/cases/MB-1/notes", json={"kind": "seen", "text": "later, and no outcome"})
        file = tmp_path / "notes.csv"
        file.write_bytes(client.get("/api/v1/notes.csv").content)
    results.close()
    return file


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    file = tmp_path / "cohort.csv"
    file.write_text(COHORT)
    return file


def test_the_latest_noted_outcome_of_a_case_takes_the_place_of_the_cohorts(
    notes: Path, cohort: Path, tmp_path: Path
) -> None:
    out = tmp_path / "later.csv"
    done = printed("outcomes", notes, "--cohort", cohort, "--out", out)
    assert (done["joined"], done["undated"], done["others"]) == (["MB-1"], ["MB-2"], ["MB-9"])
    rows = list(csv.DictReader(out.open()))
    assert [(row["case_id"], row["chang_m_stage"], row["time_days"], row["event_code"]) for row in rows] == [
        ("MB-1", "M0", "730", "3"),
        ("MB-2", "M1", "200", "0"),
        ("MB-3", "M2", "300", "1"),
    ]


def test_what_is_left_out_is_named(notes: Path, cohort: Path, tmp_path: Path) -> None:
    done = medulla("outcomes", notes, "--cohort", cohort, "--out", tmp_path / "later.csv")
    assert done.exit_code == 0
    assert "left out, with a date but no years since diagnosis: MB-2" in done.stdout
    assert "left out, not in the cohort: MB-9" in done.stdout


def test_a_time_without_a_zone_is_compared_as_utc(cohort: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.csv"
    rows = ("MB-1,2026-01-02T00:00:00,outcome,1,2", "MB-1,2026-01-01T00:00:00Z,outcome,0,1")
    notes.write_text("\n".join(["case_id,at,kind,event,event_years", *rows]))
    printed("outcomes", notes, "--cohort", cohort, "--out", tmp_path / "later.csv")
    assert (tmp_path / "later.csv").read_text().splitlines()[1] == "MB-1,M0,730,1"


def test_a_row_of_the_cohort_that_is_cut_short_is_refused(notes: Path, tmp_path: Path) -> None:
    cohort = tmp_path / "short.csv"
    cohort.write_text(COHORT + "MB-4\n")
    done = medulla("outcomes", notes, "--cohort", cohort, "--out", tmp_path / "later.csv")
    assert done.exit_code == AT_FAULT
    assert "row 5 of the cohort has 1 cell under 4 columns" in done.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("case_id,kind\nMB-1,outcome\n", "the notes have no column at"),
        (
            "case_id,at,kind,event,event_years\nMB-1,2026-01-01T00:00:00Z,outcome,9,1\n",
            "is '9', allowed are 0, 1",
        ),
        ("case_id,at,kind,event,event_years\nMB-1,soon,outcome,1,1\n", "has no time in the column at"),
        ("case_id,at,kind,event,event_years\nMB-1,2026-01-01T00:00:00Z,outcome,1,x\n", "no number in the column"),
        ("case_id,at,kind,event,event_years\nMB-1,2026-01-01\n", "row 2 of the table of notes has 2 cells under 5"),
    ],
)
def test_notes_that_cannot_be_read_are_refused_in_a_sentence(
    text: str, sentence: str, cohort: Path, tmp_path: Path
) -> None:
    file = tmp_path / "notes.csv"
    file.write_text(text)
    done = medulla("outcomes", file, "--cohort", cohort, "--out", tmp_path / "later.csv")
    assert done.exit_code == AT_FAULT
    assert sentence in done.stderr
    assert not (tmp_path / "later.csv").exists()
