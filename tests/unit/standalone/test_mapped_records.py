"""Records of `up` that are read with a column map."""

import json
from pathlib import Path

import pytest

from services.standalone import laptop
from services.standalone.case import case_from
from services.standalone.laptop import Deployment
from services.standalone.mapped_records import record_reader
from services.trainer.profile import load_profile
from shared.model.errors import BadClinicalRecordError
from shared.model.record import ClinicalRecord
from shared.units import CaseId
from tests.support.command_line import AT_FAULT, medulla

MAP = """
columns: {Patient: case_id, Alter: age_at_diagnosis_months, Gruppe: molecular_group, Stadium: chang_m_stage}
words: {molecular_group: {Typ B: G3}}
missing: [unbekannt]
ignore: [Notiz]
"""
THEIRS = {"Patient": "MB-1", "Alter": 60, "Gruppe": "Typ B", "Stadium": "unbekannt", "Notiz": "x", "sex": "F"}


@pytest.fixture
def columns(tmp_path: Path) -> Path:
    path = tmp_path / "columns.yaml"
    path.write_text(MAP)
    return path


def read(columns: Path, entries: object) -> ClinicalRecord:
    return record_reader(columns)(json.dumps(entries).encode(), CaseId("MB-1"), load_profile("medulloblastoma"))


def test_a_mapped_record_has_our_values_and_says_what_was_read_as_what(columns: Path) -> None:
    record = read(columns, THEIRS)
    assert record.values == {"age_at_diagnosis_years": 5.0, "molecular_group": "G3", "sex": "female"}
    assert {(reading.variable.name, reading.written, reading.value) for reading in record.readings} == {
        ("molecular_group", "Typ B (Gruppe)", "G3"),
        ("chang_m_stage", "unbekannt (Stadium)", "missing"),
        ("age_at_diagnosis_years", "60 (age_at_diagnosis_months)", "5 years"),
        ("sex", "F", "female"),
    }


def test_up_and_score_give_a_mapped_record_one_digest(columns: Path, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(json.dumps(THEIRS))
    scored = case_from([], tmp_path / "record.json", None, columns).clinical
    assert scored is not None
    ours = record_reader(None)(scored, CaseId("MB-1"), load_profile("medulloblastoma"))
    assert ours.digest == read(columns, THEIRS).digest


def test_a_record_in_our_names_is_read_under_a_map_too(columns: Path) -> None:
    assert read(columns, {"molecular_group": "SHH"}).values == {"molecular_group": "SHH"}


def test_a_name_that_neither_map_nor_profile_has_is_refused(columns: Path) -> None:
    with pytest.raises(BadClinicalRecordError, match='"Grupe" is no variable'):
        read(columns, {"Grupe": "Typ B"})


def test_of_a_fhir_bundle_only_mapped_values_are_read(tmp_path: Path) -> None:
    columns = tmp_path / "fhir.yaml"
    columns.write_text("columns: {Patient.gender: sex}")
    patient = {"resourceType": "Patient", "gender": "female", "name": [{"family": "Canary"}]}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": patient}]}
    assert read(columns, bundle).values == {"sex": "female"}


def test_up_reads_records_with_the_map_that_it_is_given(
    columns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Deployment] = []

    def serve(deployment: Deployment, *_: object) -> int:
        served.append(deployment)
        return 0

    monkeypatch.setattr(laptop, "serve", serve)
    assert medulla("up", "--watch", tmp_path / "watched", "--map", columns).exit_code == 0
    record = served[0].read_record(b'{"Gruppe": "Typ B"}', CaseId("MB-1"), load_profile("medulloblastoma"))
    assert record.values == {"molecular_group": "G3"}
    columns.write_text("no: map")
    refused = medulla("up", "--watch", tmp_path / "other", "--map", columns)
    assert (refused.exit_code, len(served)) == (AT_FAULT, 1)
    assert f"map {columns} is refused" in refused.stderr
