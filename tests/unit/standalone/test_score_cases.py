"""`medulla score --cases`: every case of a table is scored as `medulla score` scores it, past refused ones."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import Result

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import Scored, score
from services.standalone import scored_cohort
from services.standalone.case_rows import case_rows
from services.standalone.table_vectors import table_vectors
from shared.model.bundle import Bundle, load
from tests.support.command_line import medulla
from tests.support.vector_bundle import write_vector_bundle

TABLE = """case_id,age,stage,time_days,event_code,simulated
C-1,9,M1,365,1,true
C-2,,M0,700,0,
C-3,8,M7,10,0,
C-1,7,M0,12,0,
not one,7,M0,12,0,
C-4,7
C-5,,,90,0,
"""
BLOOD = "case_id,hb, wbc\nC-1,10.5,9\nC-2,,\nC-5,14,1\nX-1,1,1\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_vector_bundle(tmp_path / "bundle")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "cohort.csv").write_text(TABLE)
    (tmp_path / "blood.csv").write_text(BLOOD)
    return tmp_path / "cohort.csv"


def scored(table: Path, bundle: Path, *more: object) -> Result:
    blood = f"blood={table.parent / 'blood.csv'}"
    return medulla(
        "score", "--cases", table, "--vectors", blood, "--bundle", bundle, "--out", table.parent / "out", *more
    )


def rows(table: Path) -> dict[str, dict[str, str]]:
    """The first row of each case in scores.csv."""
    with (table.parent / "out/scores.csv").open() as file:
        return {row["case_id"]: row for row in reversed(list(csv.DictReader(file)))}


def test_cases_are_scored_past_refused_ones_which_are_listed_with_reason_and_sentence(
    table: Path, bundle: Path
) -> None:
    done = scored(table, bundle, "--json")
    assert (done.exit_code, json.loads(done.stdout)["scored"], json.loads(done.stdout)["refused"]) == (0, 3, 4)
    listed = rows(table)
    assert (listed["C-1"]["model"], listed["C-1"]["used"]) == ("clinical_blood", "clinical; blood counts")
    assert 0 < float(listed["C-1"]["risk_3y_lo"]) <= float(listed["C-1"]["risk_3y"]) < float(listed["C-1"]["risk_5y"])
    assert (listed["C-1"]["simulated"], listed["C-2"]["model"], listed["C-2"]["reason"]) == ("true", "clinical", "")
    assert (listed["C-5"]["model"], listed["C-5"]["reason"]) == ("blood", "")
    assert listed["C-1"]["certainty"] in {"clear", "crosses_threshold", "too_uncertain"}
    assert listed["C-3"]["reason"] == "bad_clinical_record"
    assert 'stage is "M7", allowed is one of M0, M1' in listed["C-3"]["sentence"]
    assert f"medulla bundle show {bundle}" in listed["C-3"]["advice"]
    assert listed["not one"]["reason"] == "bad_case_id"
    assert "row 7: 2 cells under 6 columns" in listed[""]["sentence"]
    assert "row 5 is of the same case as row 2" in done.stderr
    assert {path.name for path in (table.parent / "out/scores").iterdir()} == {"C-1.json", "C-2.json", "C-5.json"}


def test_a_case_of_a_table_has_the_bytes_of_a_score_by_itself(table: Path, bundle: Path, tmp_path: Path) -> None:
    scored(table, bundle)
    first = case_rows(table, load(bundle).manifest.profile)[0]
    (blood,) = table_vectors({"blood": tmp_path / "blood.csv"}, load(bundle))
    vector = blood.vector("C-1")
    assert vector is not None
    (tmp_path / "record.json").write_bytes(first.record)
    (tmp_path / "blood.json").write_bytes(vector.data)
    arguments = ("--clinical", tmp_path / "record.json", "--vectors", f"blood={tmp_path / 'blood.json'}")
    assert medulla("score", *arguments, "--bundle", bundle, "--out", tmp_path / "one").exit_code == 0
    assert (tmp_path / "out/scores/C-1.json").read_bytes() == (tmp_path / "one/score.json").read_bytes()


def test_the_outcome_is_no_part_of_a_score(table: Path, bundle: Path) -> None:
    records = [json.loads(row.record) for row in case_rows(table, load(bundle).manifest.profile) if row.record]
    assert records[0] == {"case_id": "C-1", "age": "9", "stage": "M1", "simulated": True}
    assert not any({"time_days", "event_code"} & record.keys() for record in records)


def test_a_second_run_scores_only_cases_that_changed(
    table: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(table, bundle)
    first, calls = rows(table), list[str]()

    def counting(bundle: Bundle, case: CaseInputs, version: str) -> Scored:
        calls.append(case.case_id)
        return score(bundle, case, version)

    monkeypatch.setattr(scored_cohort, "score", counting)
    table.write_text(TABLE.replace("C-2,,M0", "C-2,,M1").replace("C-5,,", "C-5,500,"))
    assert (scored(table, bundle).exit_code, calls) == (0, ["C-2"])
    assert rows(table)["C-1"] == first["C-1"]
    assert rows(table)["C-2"]["risk_3y"] != first["C-2"]["risk_3y"]
    assert rows(table)["C-5"]["reason"] == "bad_clinical_record"
    assert not (table.parent / "out/scores/C-5.json").exists()


def test_cases_on_which_the_model_abstained_are_counted_among_the_scored(table: Path, bundle: Path) -> None:
    (table.parent / "blood.csv").write_text("case_id,hb, wbc\nC-1,1000,9\n")
    table.write_text("case_id,age,stage\nC-1,9,M1\nC-2,,M0\n")
    assert "2 cases scored (the model abstained on 1 of them), 0 refused" in scored(table, bundle).stdout
    counts = json.loads(scored(table, bundle, "--json").stdout)
    assert (counts["scored"], counts["abstained"], counts["refused"]) == (2, 1, 0)


def test_a_table_without_a_single_score_ends_with_1(table: Path, bundle: Path) -> None:
    table.write_text("case_id,stage\nC-1,M7\n")
    done = scored(table, bundle)
    assert (done.exit_code, "0 cases scored, 1 refused" in done.stdout) == (1, True)
    assert rows(table)["C-1"]["reason"] == "bad_clinical_record"


@pytest.mark.parametrize(
    ("text", "option", "words"),
    [
        ("stage\nM0\n", "", "row 1: column case_id is missing"),
        ("PATIENT_ID,stage\nC-1,M0\n", "", "PATIENT_ID: case_id"),
        ("case_id,stage\nC-1,M0\n", "icd=blood.csv", 'no model of block "icd"; its blocks of vectors: blood, texture'),
        ("case_id,stage\nC-1,M0\n", "texture=none.csv", "cannot be read"),
        ("case_id,stage\n", "", "no patients"),
    ],
)
def test_a_table_that_is_refused_as_a_whole_is_one_sentence(
    table: Path, bundle: Path, text: str, option: str, words: str
) -> None:
    table.write_text(text)
    done = scored(table, bundle, *(["--vectors", option] if option else []))
    assert (done.exit_code, words in " ".join(done.stderr.split())) == (1, True)
    assert not (table.parent / "out/scores.csv").exists()


@pytest.mark.parametrize(
    "more",
    [
        *(("--case-id", "C-1"), ("--clinical", "r.json"), ("a.svs",), ("--slides", "s.csv")),
        *(("--encoder", "other"), ("--default-mpp", "0.5")),
    ],
)
def test_options_of_one_case_do_not_go_with_a_table(table: Path, bundle: Path, more: tuple[str, ...]) -> None:
    assert scored(table, bundle, *more).exit_code == 2


@pytest.mark.parametrize("more", [(), ("--case-id", "C-1", "a.svs"), ("--case-id", "C-1", "--encoder", "other")])
def test_embeddings_without_a_case_or_with_slides_are_wrong_usage(more: tuple[str, ...], tmp_path: Path) -> None:
    assert medulla("score", "--embeddings", tmp_path, *more).exit_code == 2
