"""Outcomes that came later: tables in the profile's columns, notes of results, FHIR Conditions."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from services.standalone.monitoring.fhir_conditions import fhir_outcomes
from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.cohort.noted_outcomes import check_cells, days_of, latest_notes
from services.trainer.cohort.rows import Rows, read_bytes, read_rows
from services.trainer.errors import BadCohortError
from services.trainer.monitoring.followed import GivenRisk, LaterOutcome
from shared.model.profile import Outcome
from shared.words import shown

_FHIR = (".json", ".ndjson")
_CASE, _SITE, _DIAGNOSED = "case_id", "site_id", "diagnosis_date"


def later_outcomes(files: Sequence[Path], outcome: Outcome) -> dict[str, LaterOutcome]:
    """Outcomes by case; of a case in several files that of the last file.

    Raises:
        BadCohortError: a column is missing, a cell is refused, or a file is no FHIR resource.
        MissingTableError, UnreadableTableError: a file cannot be read.
    """
    known: dict[str, LaterOutcome] = {}
    for path in files:
        data = read_bytes(path, str(path))
        if path.suffix.lower() in _FHIR:
            known |= fhir_outcomes(data, str(path))
        else:
            rows = read_rows(data, str(path))
            read = _of_notes if "kind" in rows.rows[0].cells else _of_table
            known |= read(rows, outcome)
    return known


def complete_until(
    outcomes: Mapping[str, LaterOutcome], risks: Sequence[GivenRisk], until: date
) -> dict[str, LaterOutcome]:
    """Outcomes in which every other case was followed without an event until a day."""
    others = {risk.case_id for risk in risks} - outcomes.keys()
    return {**outcomes, **{case: LaterOutcome(0, ends=until) for case in sorted(others)}}


def _of_notes(rows: Rows, outcome: Outcome) -> dict[str, LaterOutcome]:
    return {case: _of_note(note, outcome) for case, note in latest_notes(rows, outcome).items()}


def _of_note(note: Mapping[str, str], outcome: Outcome) -> LaterOutcome:
    event = outcome.causes.index(note["event"])
    years = days_of(note) / DAYS_A_YEAR if note["event_years"] else None
    return LaterOutcome(event, years, _day(note.get("event_date", ""), note[_CASE], "event_date"))


def _of_table(rows: Rows, outcome: Outcome) -> dict[str, LaterOutcome]:
    check_cells(rows, "the table of outcomes")
    header, *body = rows.rows
    if missing := [name for name in (_CASE, outcome.time, outcome.event) if name not in header.cells]:
        raise BadCohortError(f"the table of outcomes has no column {missing[0] or 'of times'}")
    cells = (dict(zip(header.cells, row.cells, strict=True)) for row in body)
    return {row[_CASE]: _of_row(row, outcome) for row in cells if row[outcome.event] and row[outcome.time]}


def _of_row(row: Mapping[str, str], outcome: Outcome) -> LaterOutcome:
    case, code = row[_CASE], row[outcome.event]
    if code not in outcome.codes:
        allowed = ", ".join(outcome.codes)
        raise BadCohortError(f"case {shown(case)}: {outcome.event} is {shown(code)}, allowed are {allowed}")
    try:
        years = float(row[outcome.time]) / DAYS_A_YEAR
    except ValueError:
        raise BadCohortError(f"case {shown(case)}: {outcome.time} is no number") from None
    diagnosed = _day(row.get(_DIAGNOSED, ""), case, _DIAGNOSED)
    return LaterOutcome(outcome.causes.index(code), years, diagnosed=diagnosed, site=row.get(_SITE, ""))


def _day(text: str, case: str, column: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadCohortError(f"case {shown(case)}: {column} is {shown(text)}, allowed is YYYY-MM-DD") from None
