"""Outcomes that people noted for cases later (`notes.csv` of results), joined into a cohort table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.cohort.rows import Row, Rows
from services.trainer.errors import BadCohortError
from shared.model.profile import Outcome
from shared.words import counted

_CASE = "case_id"
_NEEDED = (_CASE, "at", "kind", "event", "event_years")
_OUTCOME = "outcome"
_GUARD = "'"
"""Stands in exported tables in front of texts that a spreadsheet would run as a formula."""


@dataclass(frozen=True, slots=True)
class JoinedTable:
    """A cohort table with noted outcomes, and which notes were used."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    joined: tuple[str, ...]
    """Cases whose outcome is that of a note."""
    undated: tuple[str, ...]
    """Cases whose note has a date only: the date of diagnosis, from which days are counted, is not known."""
    others: tuple[str, ...]
    """Cases that have a note and no row in the cohort."""


def join_outcomes(cohort: Rows, notes: Rows, outcome: Outcome) -> JoinedTable:
    """The cohort with the outcome of each case's latest note; all other cells stay as they are.

    Raises:
        BadCohortError: a column is missing, a row is cut short, or a note has a code that the profile does not know.
    """
    check_cells(cohort, "the cohort")
    header, latest = cohort.rows[0].cells, latest_notes(notes, outcome)
    if _CASE not in header:
        raise BadCohortError(f"the cohort has no column {_CASE}")
    columns = (*header, *(name for name in (outcome.time, outcome.event) if name and name not in header))
    dated = {case: note for case, note in latest.items() if note["event_years"] or not outcome.time}
    cases = [row.cells[header.index(_CASE)] for row in cohort.rows[1:]]
    rows = (_row(columns, row, dated.get(case), outcome) for case, row in zip(cases, cohort.rows[1:], strict=True))
    return JoinedTable(
        header=columns,
        rows=tuple(rows),
        joined=tuple(case for case in cases if case in dated),
        undated=tuple(case for case in cases if case in latest.keys() - dated.keys()),
        others=tuple(sorted(latest.keys() - set(cases))),
    )


def check_cells(table: Rows, where: str) -> None:
    """Refuse rows with more or fewer cells than columns.

    Raises:
        BadCohortError: naming the first of them.
    """
    header, *body = table.rows
    ragged = [row for row in body if len(row.cells) != len(header.cells)]
    if ragged:
        cells, columns = counted(len(ragged[0].cells), "cell"), len(header.cells)
        raise BadCohortError(f"row {ragged[0].line} of {where} has {cells} under {columns} columns")


def latest_notes(notes: Rows, outcome: Outcome) -> Mapping[str, Mapping[str, str]]:
    """The latest note of an outcome of each case, by column.

    Raises:
        BadCohortError: a column is missing, a row is cut short, or a note has a code that the profile does not know.
    """
    check_cells(notes, "the table of notes")
    header = notes.rows[0].cells
    if missing := [name for name in _NEEDED if name not in header]:
        raise BadCohortError(f"the notes have no column {missing[0]}; give notes.csv as results exports it")
    outcomes = (note for note in _by_column(header, notes.rows[1:]) if note["kind"] == _OUTCOME)
    latest = {note[_CASE].removeprefix(_GUARD): note for note in sorted(outcomes, key=_time)}
    _check_codes(latest, outcome)
    return latest


def _by_column(header: Sequence[str], rows: Sequence[Row]) -> Iterator[Mapping[str, str]]:
    for row in rows:
        yield dict(zip(header, row.cells, strict=True))


def _time(note: Mapping[str, str]) -> datetime:
    """When it was written; a time without a zone is UTC."""
    try:
        at = datetime.fromisoformat(note["at"])
    except ValueError as error:
        raise BadCohortError(f"a note of case {note[_CASE]} has no time in the column at") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _check_codes(latest: Mapping[str, Mapping[str, str]], outcome: Outcome) -> None:
    allowed = ", ".join(outcome.codes)
    wrong = {case: note["event"] for case, note in latest.items() if note["event"] not in outcome.codes}
    if wrong:
        problems = [f"case {case}: event is {code!a}, allowed are {allowed}" for case, code in wrong.items()]
        raise BadCohortError.listing("the table of notes", problems)


def _row(columns: Sequence[str], row: Row, note: Mapping[str, str] | None, outcome: Outcome) -> tuple[str, ...]:
    cells = dict.fromkeys(columns, "") | dict(zip(columns, row.cells, strict=False))
    if note:
        cells[outcome.event] = note["event"]
        if outcome.time:
            cells[outcome.time] = str(days_of(note))
    return tuple(cells[name] for name in columns)


def days_of(note: Mapping[str, str]) -> int:
    """Days since diagnosis of a note with years, at least one.

    Raises:
        BadCohortError: they are no number.
    """
    try:
        return max(1, round(float(note["event_years"]) * DAYS_A_YEAR))
    except (ValueError, OverflowError) as error:
        raise BadCohortError(f"the note of case {note[_CASE]} has no number in the column event_years") from error
