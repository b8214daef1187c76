"""The published tables of HANCOCK become a cohort and a table for each block of vectors."""

import csv
from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from tests.studies.hancock_tables import FILES, TEXTURE, without_imputed, write_tables

FINDINGS = {
    "pathological": ("primary_tumor_site", "grading", "pT_stage", "pN_stage", "hpv_association_p16", "histologic_type"),
    "clinical": ("sex", "primarily_metastasis", "smoking_status"),
}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Tables of four patients as they are published; 004 has a time of 0 and no blood, 002 and 003 share a texture."""
    folder = tmp_path / "hancock"
    folder.mkdir()
    patients = ("001", "002", "003", "004")
    for name, columns in FINDINGS.items():
        table(
            folder / f"{name}.csv", [{"patient_id": patient, **dict.fromkeys(columns, "1.0")} for patient in patients]
        )
    outcome = [{"rfs_event": "1", "days_to_rfs_event": days, "survival_status": "x"} for days in ("90", "80", "7", "0")]
    rows = [{"patient_id": patient, **row} for patient, row in zip(patients, outcome, strict=True)]
    table(folder / "targets.csv", rows)
    table(folder / "blood.csv", [{"patient_id": patient, "leukocytes": f"{patient}.5"} for patient in patients[:3]])
    for name, column in (("icd_codes", "c020"), ("tma_cell_density", "cd3_z")):
        table(folder / f"{name}.csv", [{"patient_id": patient, column: "0"} for patient in patients])
    shared = np.array([0.25, 0.5], np.float32)
    textures = {"001": np.array([0.1, 0.2], np.float32), "002": shared, "003": shared, "004": shared + 1}
    np.savez(folder / TEXTURE, **textures)  # type: ignore[arg-type]
    return folder


def table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_patients_with_time_under_observation_are_taken_and_read_by_the_profile(
    published: Path, tmp_path: Path
) -> None:
    assert sorted(path.name for path in published.iterdir()) == sorted(FILES)
    assert write_tables(published, tmp_path) == (3, 1)
    cohort = read_cohort(tmp_path / "cohort.csv", load_profile("hancock"))
    assert cohort.case_ids == ("001", "002", "003")
    assert cohort.outcome.is_event.all()


def test_no_vector_is_given_to_two_patients_of_whom_one_alone_can_own_it(published: Path, tmp_path: Path) -> None:
    write_tables(published, tmp_path)
    assert rows_of(tmp_path / "vectors" / "texture.csv") == [
        {"case_id": "001", "texture_000": "0.100000001", "texture_001": "0.200000003"}
    ]
    assert [row["case_id"] for row in rows_of(tmp_path / "vectors" / "icd.csv")] == ["001", "002", "003"]


def test_the_publishers_imputation_of_blood_counts_becomes_empty() -> None:
    counts = {"001": ("7.5", "14.4"), "002": ("7.5", "14.4"), "003": ("8.25", "14.4"), "004": ("8.25", "13.0")}
    rows = [{"patient_id": patient, "leukocytes": a, "hemoglobin": b} for patient, (a, b) in counts.items()]
    assert without_imputed(rows) == [
        {"patient_id": "003", "leukocytes": "8.25", "hemoglobin": ""},
        {"patient_id": "004", "leukocytes": "8.25", "hemoglobin": "13.0"},
    ]
    assert without_imputed(rows[2:]) == rows[2:]
