"""`medulla monitor`: outcomes of every kind of file are joined with the scores, published, and shown by results."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from medulla.v1.scorer_pb2 import Score

from services.results.archiving import ArchiveScores
from services.results.rest import create_app
from services.results.sql_store import SqlStore
from services.standalone.errors import NothingToMonitorError
from services.standalone.laptop_results import DATABASE
from services.standalone.monitoring.given_scores import given_scores
from services.standalone.monitoring.later_outcomes import later_outcomes
from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.errors import BadCohortError
from services.trainer.profile import load_profile
from shared import keys
from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.model_keys import CURRENT_BUNDLE
from shared.times import utc_now
from shared.units import CaseId, Sha256
from tests.support import scores as samples
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.exports import complete
from tests.support.result_stores import record
from tests.support.results import Results

CASES = [f"MB-{number}" for number in range(12)]
SCORED_ON = samples.at(1).date()


def score_of(case: str) -> Score:
    score = complete()
    score.case_id, score.score_id = case, samples.digest(case)
    return score


@pytest.fixture
def up(tmp_path: Path) -> Path:
    """The folder of `medulla up` with scored cases and a promoted bundle."""
    folder = tmp_path / "laptop"
    folder.mkdir()
    results = Results(tmp_path, f"sqlite:///{folder / DATABASE}")
    for case in CASES:
        results.score(score_of(case))
    results.close()
    FolderStore(folder).put(CURRENT_BUNDLE, json.dumps({"digest": samples.digest("bundle")}).encode())
    return folder


def table(path: Path, event: str) -> Path:
    rows = [f"{case},700,{event},S1" for case in CASES[:11]]
    path.write_text("\n".join(["case_id,time_days,event_code,site_id", *rows]) + "\n")
    return path


def condition(case: str, days: int, status: str) -> str:
    onset = (SCORED_ON + timedelta(days=days)).isoformat()
    resource = {"resourceType": "Condition", "subject": {"reference": f"Patient/{case}"}, "onsetDateTime": onset}
    return json.dumps(resource | {"clinicalStatus": {"coding": [{"code": status}]}})


def test_a_table_is_joined_with_the_scores_of_files(tmp_path: Path) -> None:
    files = tmp_path / "scores"
    files.mkdir()
    for case in CASES:
        (files / f"{case}.json").write_text(samples.body(score_of(case)))
    out = tmp_path / "out"
    (bundle,) = printed("monitor", files, "--outcomes", table(tmp_path / "later.csv", "0"), "--out", out)["bundles"]
    assert (bundle["scored"], bundle["followed"], bundle["overall"]["events"]) == (12, 11, 0)
    assert bundle["sequential"]["clock"] == "case by case"
    assert 2 < bundle["overall"]["expected"] < 5
    assert "medulla_monitor_flagged" in (out / "medulla_monitor.prom").read_text()
    written = "".join(file.read_text() for file in out.iterdir())
    assert not [case for case in CASES if f"{case}<" in written or f'"{case}"' in written]


def abstained(case: str) -> Score:
    score = score_of(case)
    for field in ("incidence", "risks", "event_free_risks"):
        score.ClearField(field)
    score.abstained, score.abstained_reason = True, "Out of distribution."
    return score


def timeless(case: str) -> Score:
    """A score of an outcome without times."""
    score = score_of(case)
    score.ClearField("incidence")
    return score


def write_scores(folder: Path, scores: list[Score]) -> Path:
    folder.mkdir()
    for place, score in enumerate(scores):
        (folder / f"{place}.json").write_text(samples.body(score))
    return folder


def test_cases_on_which_the_model_abstained_are_counted_among_those_left_out(tmp_path: Path) -> None:
    """MB-0 has a risk beside its abstention."""
    odd = [abstained(case) for case in ("MB-0", "X-1", "X-1", "X-2")]
    files, out = write_scores(tmp_path / "scores", [*map(score_of, CASES), *odd]), tmp_path / "out"
    arguments = ["monitor", files, "--outcomes", table(tmp_path / "later.csv", "0"), "--out", out]
    (bundle,) = printed(*arguments)["bundles"]
    assert (bundle["scored"], bundle["left_out"]) == (12, {"no outcome yet": 1, "the model abstained": 2})
    assert "2 left out: the model abstained" in medulla(*arguments).stdout
    assert "2: the model abstained." in (out / "monitor.html").read_text()


def test_scores_that_no_bundle_of_the_report_counts_are_named(tmp_path: Path) -> None:
    other = abstained("X-1")
    other.provenance.bundle_digest = "e" * 64
    files = write_scores(tmp_path / "scores", [*map(score_of, CASES), other, timeless("X-2")])
    later = table(tmp_path / "later.csv", "0")
    done = medulla("monitor", files, "--outcomes", later, "--out", tmp_path / "out")
    assert done.exit_code == 0
    words = " ".join(done.stderr.split())
    assert "passed over: the model abstained on 1 case" in words
    assert "passed over: 1 score of outcomes without times, which are not monitored" in words


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (timeless, "12 scores of outcomes without times, which are not monitored"),
        (abstained, "the model abstained on 12 cases"),
    ],
)
def test_scores_without_a_risk_over_time_are_refused_with_the_reason(
    tmp_path: Path, make: Callable[[str], Score], words: str
) -> None:
    files = write_scores(tmp_path / "scores", [make(case) for case in CASES])
    later = table(tmp_path / "later.csv", "0")
    refused = medulla("monitor", files, "--outcomes", later, "--out", tmp_path / "out")
    text = " ".join(refused.output.split())
    assert refused.exit_code == AT_FAULT
    assert f"nothing to monitor: {words}" in text
    assert "medulla validate" in text


def test_scores_before_the_first_day_that_counts_are_refused_with_that_day(tmp_path: Path) -> None:
    files, later = write_scores(tmp_path / "scores", [score_of("MB-0")]), table(tmp_path / "later.csv", "0")
    out = tmp_path / "out"
    refused = medulla("monitor", files, "--outcomes", later, "--out", out, "--since", "2030-01-01")
    assert "none is dated 2030-01-01 or later" in " ".join(refused.output.split())


def test_events_alone_are_refused(tmp_path: Path, up: Path) -> None:
    refused = medulla("monitor", up, "--outcomes", table(tmp_path / "l.csv", "1"), "--out", tmp_path / "out")
    assert refused.exit_code == AT_FAULT
    assert "--complete-until" in refused.output


@pytest.mark.parametrize("days", ["nan", "inf", "-3", "soon"])
def test_a_time_that_is_no_number_of_days_is_refused_with_its_case(tmp_path: Path, days: str) -> None:
    (tmp_path / "later.csv").write_text(f"case_id,time_days,event_code\nMB-0,{days},1\n")
    with pytest.raises(BadCohortError) as refused:
        later_outcomes([tmp_path / "later.csv"], load_profile().outcome)
    assert "MB-0" in str(refused.value)
    assert "time_days is" in str(refused.value)


def test_relapses_of_fhir_flag_the_model_on_the_page(tmp_path: Path, up: Path) -> None:
    lines = [condition(case, -30, "active") for case in CASES]
    lines += [condition(case, 20 + place, "relapse") for place, case in enumerate(CASES[:11])]
    (tmp_path / "later.ndjson").write_text("\n".join(lines))
    until = (SCORED_ON + timedelta(days=60)).isoformat()
    arguments = ["--outcomes", tmp_path / "later.ndjson", "--out", tmp_path / "out", "--complete-until", until]
    (bundle,) = printed("monitor", up, *arguments, "--per-cases", 20, "--publish")["bundles"]
    assert (bundle["followed"], bundle["overall"]["events"]) == (12, 11)
    assert bundle["sequential"]["alarms"][0]["direction"] == "more"
    results = Results(tmp_path)
    results.blobs = FolderStore(up)  # type: ignore[assignment]
    with TestClient(create_app(results.backends()), base_url="http://127.0.0.1") as client:
        (shown,) = client.get("/api/v1/monitoring").json()["bundles"]
    results.close()
    assert (shown["promoted"], shown["flagged"], shown["cases"]) == (True, True, 12)


def test_notes_are_joined_by_years_or_date(tmp_path: Path, up: Path) -> None:
    (tmp_path / "notes.csv").write_text(
        "case_id,at,kind,event,event_years,event_date\n"
        f"MB-0,2026-01-01T00:00:00Z,outcome,0,2,\n"
        f"MB-1,2026-01-01T00:00:00Z,outcome,1,,{SCORED_ON + timedelta(days=round(DAYS_A_YEAR))}\n"
    )
    (bundle,) = printed("monitor", up, "--outcomes", tmp_path / "notes.csv", "--out", tmp_path / "out")["bundles"]
    assert (bundle["followed"], bundle["left_out"]) == (2, {"no outcome yet": 10})


def test_scores_of_a_bucket_have_the_day_of_their_object_and_the_site_of_their_record() -> None:
    store, score = MemoryStore(), score_of("MB-1")
    store.put(keys.score(CaseId("MB-1"), Sha256(score.score_id)), samples.body(score).encode())
    store.put(keys.clinical(CaseId("MB-1")), b'{"case_id": "MB-1", "site_id": "north"}')
    (given,) = given_scores([Path("s3://bucket")], lambda _: store)
    assert (given.score.case_id, given.site) == ("MB-1", "north")
    assert given.given_on == next(store.list(keys.SCORES)).last_modified.date()


def test_scores_of_the_running_system_are_read_over_database_and_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, bucket = f"sqlite:///{tmp_path / 'results.db'}", MemoryStore()
    monkeypatch.setenv("RESULTS_DATABASE_URL", url)
    with closing(SqlStore(url, blobs=bucket)) as results:
        results.migrate()
        for version in "123":
            results.record_score(record("MB-1", version, int(version)))
        later = utc_now() + timedelta(days=2)
        assert ArchiveScores(results.engine, results.archive, timedelta(days=1), lambda: later)().entries == 2
    assert len(list(given_scores([], lambda _: bucket))) == 3


def test_scores_that_are_not_there_and_folders_without_any_are_refused_in_words_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(NothingToMonitorError, match="neither a file of a score nor a folder"):
        list(given_scores([tmp_path / "nope.json"]))
    with pytest.raises(NothingToMonitorError, match="holds no scores"):
        list(given_scores([tmp_path]))
