"""Turns the published table of Cavalli 2017, from a folder that the user names, into our cohort."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.errors import BadCohortError
from services.trainer.simulation.tables import write_table

Row = Mapping[str, str]
"""One row of a published table, by column."""

_SEX = {"M": "male", "F": "female"}
_HISTOLOGY = {"Classic": "classic", "Desmoplastic": "DN", "MBEN": "MBEN", "LCA": "LCA"}
_METASTATIC = {"0.0": "no", "1.0": "yes"}
_GROUP = {"WNT": "WNT", "SHH": "SHH", "Group3": "G3", "Group4": "G4"}


def cavalli(source: Path, out: Path) -> tuple[int, int]:
    """Children under 18 with overall survival; gives how many were taken and how many were left out."""
    rows = read_rows(source)
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


@contextmanager
def published_columns(data: Path, cohort: str) -> Iterator[None]:
    """Refuse published tables without a column that is read.

    Raises:
        BadCohortError: naming the column.
    """
    try:
        yield
    except KeyError as error:
        raise BadCohortError.listing(str(data), [f"the published {cohort} has no column {error}"]) from error


def read_rows(path: Path) -> list[Row]:
    """Rows of a published table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
