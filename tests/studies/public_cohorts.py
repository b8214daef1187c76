"""Turns the published tables of Cavalli 2017 and HANCOCK, from a folder that the user names, into our cohorts."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.simulation.tables import write_table
from shared.canonical import sha256
from shared.tensors import encode_tensors

Row = Mapping[str, str]

_SEX = {"M": "male", "F": "female"}
_HISTOLOGY = {"Classic": "classic", "Desmoplastic": "DN", "MBEN": "MBEN", "LCA": "LCA"}
_METASTATIC = {"0.0": "no", "1.0": "yes"}
_GROUP = {"WNT": "WNT", "SHH": "SHH", "Group3": "G3", "Group4": "G4"}
_NUMBERS = {"age_at_initial_diagnosis", "number_of_positive_lymph_nodes", "infiltration_depth_in_mm"}


def cavalli(source: Path, out: Path) -> tuple[int, int]:
    """Children under 18 with overall survival; gives how many were taken and how many were left out."""
    rows = _read(source)
    kept = [row for row in rows if _is_child(row) and row["os_event"] and float(row["os_years"] or 0) > 0]
    write_table(out, [_cavalli_row(row) for row in kept])
    return len(kept), len(rows) - len(kept)


def _is_child(row: Row) -> bool:
    return bool(row["age_years"]) and float(row["age_years"]) < 18


def _cavalli_row(row: Row) -> dict[str, str]:
    return {
        "case_id": row["study_id"],
        "age_at_diagnosis_years": row["age_years"],
        "sex": _SEX.get(row["sex"], ""),
        "metastatic": _METASTATIC.get(row["metastatic"], ""),
        "histology": _HISTOLOGY.get(row["histology"], ""),
        "molecular_group": _GROUP[row["subgroup"]],
        "time_days": f"{float(row['os_years']) * DAYS_A_YEAR:.2f}",
        "event_code": row["os_event"].removesuffix(".0"),
    }


def hancock(folder: Path, out: Path, embeddings: Path) -> tuple[int, int]:
    """Patients with a time above 0, and their published H&E vector as a bag of one; taken and left out.

    Two patients share one vector in the published file (268 and 348): neither gets it, since nobody knows whose it is.
    """
    tables = [_read(folder / f"{name}.csv") for name in ("clinical", "pathological", "targets")]
    merged = [dict(a) | dict(b) | dict(c) for a, b, c in zip(*map(_by_patient, tables), strict=True)]
    kept = [row for row in merged if float(row["days_to_rfs_event"]) > 0]
    write_table(out, [_hancock_row(row) for row in kept])
    _write_vectors(folder / "tma_tile_dtr_256_HE.npz", [row["patient_id"] for row in kept], embeddings)
    return len(kept), len(merged) - len(kept)


def _by_patient(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["patient_id"])


def _hancock_row(row: Row) -> dict[str, str]:
    outcome = {"time_days": row["days_to_rfs_event"], "rfs_event": row["rfs_event"]}
    skipped = ("patient_id", "recurrence", "survival", "days_to", "rfs")
    values = {name: value for name, value in row.items() if not name.startswith(skipped)}
    codes = {name: value if name in _NUMBERS else value.removesuffix(".0") for name, value in values.items()}
    return {"case_id": row["patient_id"], **codes, **outcome}


def _write_vectors(source: Path, patients: Iterable[str], embeddings: Path) -> None:
    encoder = sha256(source.read_bytes())
    rows = []
    with np.load(source, allow_pickle=False) as file:
        vectors = {name: np.asarray(file[name], np.float16).reshape(1, -1) for name in patients if name in file}
    times = Counter(vector.tobytes() for vector in vectors.values())
    for patient, vector in vectors.items():
        if times[vector.tobytes()] == 1:
            header = {"encoder_name": "hancock-dtr-256-he", "encoder_digest": encoder}
            content = encode_tensors({"features": vector, "coords": np.zeros((1, 2), np.int32)}, header)
            path = Path("embeddings") / f"{patient}.safetensors"
            (embeddings / path).parent.mkdir(parents=True, exist_ok=True)
            (embeddings / path).write_bytes(content)
            rows.append(
                {
                    "case_id": patient,
                    "slide_id": f"{patient}-he",
                    "slide_digest": sha256(content),
                    "tiles": "1",
                    "path": str(path),
                }
            )
    write_table(embeddings / "index.csv", rows)


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
