"""Turns the published tables of HANCOCK, from a folder that the user names, into a cohort and tables of vectors."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from services.trainer.simulation.tables import write_table
from tests.studies.public_cohorts import Row, read_rows

RECORD = ("clinical.csv", "pathological.csv", "targets.csv")
VECTORS = {"blood": "blood.csv", "icd": "icd_codes.csv", "cells": "tma_cell_density.csv"}
TEXTURE = "tma_tile_dtr_256_HE.npz"
FILES = (*RECORD, *VECTORS.values(), TEXTURE)
_NUMBERS = {"age_at_initial_diagnosis", "number_of_positive_lymph_nodes", "infiltration_depth_in_mm"}


def write_tables(folder: Path, out: Path) -> tuple[int, int]:
    """Write cohort.csv and vectors/{block}.csv; gives how many patients were taken and how many were left out.

    Patients with a time above 0 are taken. A patient without a row in a published table has no vector of that block.
    """
    merged = _merged([read_rows(folder / name) for name in RECORD])
    kept = {row["patient_id"]: row for row in merged if float(row["days_to_rfs_event"]) > 0}
    write_table(out / "cohort.csv", [_cohort_row(row) for row in kept.values()])
    for block, name in VECTORS.items():
        rows = [row for row in read_rows(folder / name) if row["patient_id"] in kept]
        _write_vectors(out, block, without_imputed(rows) if block == "blood" else rows)
    _write_vectors(out, "texture", [row for row in _texture(folder / TEXTURE) if row["patient_id"] in kept])
    return len(kept), len(merged) - len(kept)


def without_imputed(rows: Sequence[Row]) -> list[Row]:
    """Rows without the publisher's imputation: values that are shared by all columns of several rows become empty.

    No two patients have equal blood counts. Rows that are equal in every column hold the number that the publisher put
    in place of each missing value; so does any other cell with that number, to all its digits.
    """
    imputed = {row: count for row, count in Counter(map(_values, rows)).items() if count > 1}
    if not imputed:
        return list(rows)
    filler = max(imputed, key=lambda row: imputed[row])
    cleared = [_cleared(row, filler) for row in rows]
    return [row for row in cleared if any(_values(row))]


def _values(row: Row) -> tuple[str, ...]:
    return tuple(value for name, value in row.items() if name != "patient_id")


def _cleared(row: Row, filler: Sequence[str]) -> Row:
    values = ("" if value == one else value for value, one in zip(_values(row), filler, strict=True))
    names = (name for name in row if name != "patient_id")
    return {"patient_id": row["patient_id"], **dict(zip(names, values, strict=True))}


def _merged(tables: Iterable[Sequence[Row]]) -> list[Row]:
    """Rows of several tables of the same patients, joined."""
    ordered = [sorted(rows, key=lambda row: row["patient_id"]) for rows in tables]
    return [{name: value for row in rows for name, value in row.items()} for rows in zip(*ordered, strict=True)]


def _cohort_row(row: Row) -> dict[str, str]:
    outcome = {"time_days": row["days_to_rfs_event"], "rfs_event": row["rfs_event"]}
    skipped = ("patient_id", "recurrence", "survival", "days_to", "rfs")
    values = {name: value for name, value in row.items() if not name.startswith(skipped)}
    codes = {name: value if name in _NUMBERS else value.removesuffix(".0") for name, value in values.items()}
    return {"case_id": row["patient_id"], **codes, **outcome}


def _texture(source: Path) -> list[Row]:
    """The published H&E vectors; two patients (268 and 348) share one, and neither gets it."""
    with np.load(source, allow_pickle=False) as file:
        vectors = {name: np.asarray(file[name], np.float64).ravel() for name in sorted(file.files)}
    times = Counter(vector.tobytes() for vector in vectors.values())
    own = {name: vector for name, vector in vectors.items() if times[vector.tobytes()] == 1}
    return [{"patient_id": name} | _numbered(vector.tolist()) for name, vector in own.items()]


def _numbered(values: Sequence[float]) -> dict[str, str]:
    return {f"texture_{place:03d}": f"{value:.9g}" for place, value in enumerate(values)}


def _write_vectors(out: Path, block: str, rows: Sequence[Row]) -> None:
    columns = [name for name in rows[0] if name != "patient_id"]
    write_table(
        out / "vectors" / f"{block}.csv",
        [{"case_id": row["patient_id"], **{name: row[name] for name in columns}} for row in rows],
    )
