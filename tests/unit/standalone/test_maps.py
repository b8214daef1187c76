"""`--map`: other people's column names, words and units, on the command line."""

import json
from pathlib import Path

import pytest

from services.standalone.case import case_from
from services.standalone.local_slides import slide_at
from services.trainer.cohort.column_map import BadMapError, load_map
from tests.support.command_line import medulla

THEIRS = "Patient ID;AGE;Gender;Days;Outcome\r\nA;5,4;F;400;relapse\r\nB;6,1;M;800;none\r\n"
MAP = """
columns: {Patient ID: case_id, AGE: age_at_diagnosis_years, Gender: sex, Days: time_days, Outcome: event_code}
words: {event_code: {none: 0, relapse: 1}}
"""


def test_a_table_of_other_columns_ends_with_a_map_to_paste_and_the_pasted_map_is_read(tmp_path: Path) -> None:
    table, columns, out = tmp_path / "theirs.csv", tmp_path / "columns.yaml", tmp_path / "bundle"
    table.write_text(THEIRS)
    refused = medulla("train", "--cohort", table, "--out", out)
    assert refused.exit_code == 1
    assert "  Patient ID: case_id\n  AGE: age_at_diagnosis_years\n  Gender: sex\n" in refused.stderr
    columns.write_text(MAP)
    read = medulla("train", "--cohort", table, "--map", columns, "--out", out)
    assert read.exit_code == 1
    assert "cells are separated by semicolons" in read.stderr
    assert 'sex: "F" read as female (1); "M" read as male (1)' in read.stderr
    assert "unusable_cohort" in read.stderr
    assert not out.exists()


def test_a_record_of_other_names_takes_ours_and_tells_what_was_read_as_what(tmp_path: Path) -> None:
    record, columns = tmp_path / "record.json", tmp_path / "columns.yaml"
    record.write_text(json.dumps({"Patient ID": "MB-7", "Grp": 3, "note": "x"}))
    columns.write_text("{columns: {Patient ID: case_id, Grp: molecular_group}, ignore: [note]}")
    case = case_from([slide_at(tmp_path / "a.svs")], record, None, columns)
    assert case.case_id == "MB-7"
    assert json.loads(case.clinical or b"") == {"case_id": "MB-7", "molecular_group": 3}
    assert case.readings == [
        'Patient ID "MB-7" read as case_id "MB-7"',
        "Grp 3 read as molecular_group 3",
        "note is ignored",
    ]


def test_a_map_of_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text(THEIRS)
    (tmp_path / "columns.yaml").write_text("columns: {MRN: case_id}")
    done = medulla(
        "evaluate", "--cohort", tmp_path / "theirs.csv", "--map", tmp_path / "columns.yaml", "--out", tmp_path
    )
    assert done.exit_code == 1
    assert 'the map names columns that theirs.csv does not have: "MRN"' in done.stderr


def test_a_map_without_an_end_is_refused_by_its_size() -> None:
    with pytest.raises(BadMapError, match="more than 1000000 bytes"):
        load_map(Path("/dev/zero"))
