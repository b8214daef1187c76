"""Rows of a table of cases as clinical records; the outcome is left out, since a score must not know it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.trainer.cohort.column_map import ColumnMap, load_map
from services.trainer.cohort.rows import read_bytes
from services.trainer.cohort.table import CASE, SIMULATED, SIMULATED_WORDS, Table, parse_table, refusal_with_map
from shared import keys
from shared.errors import PermanentError
from shared.model.errors import BadClinicalRecordError
from shared.model.profile import Profile
from shared.units import CaseId


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of the table: its record as JSON, or why the row is refused."""

    case_id: str
    record: bytes = b""
    error: PermanentError | None = None


def case_rows(path: Path, profile: Profile, columns: Path | None = None) -> list[CaseRow]:
    """The rows in order; values are checked when the record is read.

    Raises:
        UnreadableTableError: the file is no table.
        BadCohortError: it has no column case_id; with a map to start from, where its columns have other names.
        BadMapError: the map is invalid, or for another table.
    """
    data, names = read_bytes(path, f"table of cases {path}"), load_map(columns) if columns else ColumnMap()
    words = profile.vocabulary
    table = parse_table(data, path.name, names, words.numbers)
    if CASE not in table.columns:
        raise refusal_with_map(str(path), [f"row 1: column {CASE} is missing"], table, profile, words)
    return [*_rows(table, profile), *(CaseRow("", error=BadClinicalRecordError(text)) for text in table.ragged)]


def _rows(table: Table, profile: Profile) -> Iterator[CaseRow]:
    lines: dict[str, int] = {}
    outcome = {profile.outcome.time, profile.outcome.event}
    for line, row in zip(table.lines, table.rows, strict=True):
        case = str(row[CASE])
        first = lines.setdefault(case, line)
        if first != line:
            error = BadClinicalRecordError(f"row {line} is of the same case as row {first}; one row a case is allowed")
            yield CaseRow(case, error=error)
        else:
            yield _row(case, {name: value for name, value in row.items() if name not in outcome}, line)


def _row(case: str, row: Mapping[str, Any], line: int) -> CaseRow:
    try:
        case_id = keys.named_case(case, f"row {line}")
    except PermanentError as error:
        return CaseRow(case, error=error)
    return CaseRow(case_id, _record(case_id, row))


def _record(case: CaseId, row: Mapping[str, Any]) -> bytes:
    """The cells that are not empty, as they are written."""
    entries = {name: value for name, value in row.items() if value != ""}
    if entries.get(SIMULATED) in SIMULATED_WORDS:
        entries[SIMULATED] = SIMULATED_WORDS[entries[SIMULATED]]
    return json.dumps(entries | {CASE: case}, sort_keys=True).encode()
