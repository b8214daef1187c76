"""Reads a cohort table by its profile; whatever is wrong is refused together: row, column, value, what is allowed."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR, Cohort, Floats, Ints, Outcome
from services.trainer.cohort.rows import read_rows
from services.trainer.errors import BadCohortError, MissingTableError, UnreadableTableError
from services.trainer.profile import KNOWN_TREATMENT, Profile, Variable
from shared.canonical import sha256

CASE, SITE, SIMULATED = "case_id", "site_id", "simulated"
_PSEUDONYM = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORDS = {"true": True, "false": False}
_SHOWN = 40
_MOST_DAYS = 43830
"""120 years: what is longer is no follow-up of a patient, or is not in days."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells as text: `rows` in order, each by column name, and the line of the file that each stands in."""

    columns: tuple[str, ...]
    lines: tuple[int, ...]
    rows: tuple[dict[str, str], ...]
    ragged: tuple[str, ...]
    """What is wrong with rows of more or fewer cells than there are columns; they are not among `rows`."""


def read_cohort(path: Path, profile: Profile) -> Cohort:
    """Read a table with one row a patient.

    Raises:
        BadCohortError: listing every problem of the table, each with row, column, value and what is allowed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingTableError(f"cohort {path} cannot be read: {error.strerror}") from error
    table = _parse(data, path.name)
    problems = [*_header_problems(table, profile), *table.ragged, *_row_problems(table, profile)]
    if problems:
        raise BadCohortError.listing(path.name, problems)
    return Cohort(
        profile=profile,
        name=path.stem,
        case_ids=tuple(row[CASE] for row in table.rows),
        sites=tuple(row.get(SITE, "") for row in table.rows),
        values=np.array([[_number(row, variable) for variable in profile.variables] for row in table.rows], np.float64),
        outcome=_outcome(table, profile),
        digest=sha256(data),
        simulated=any(_WORDS.get(row.get(SIMULATED, ""), False) for row in table.rows),
    )


def _parse(data: bytes, name: str) -> _Table:
    header, *body = read_rows(data, name)
    if not body:
        raise UnreadableTableError(f"{name} has no patients: a header and one row a patient are needed")
    columns = header.cells
    whole = [row for row in body if len(row.cells) == len(columns)]
    ragged = (
        f"row {row.line}: {len(row.cells)} cells under {len(columns)} columns; allowed is one cell a column"
        for row in body
        if len(row.cells) != len(columns)
    )
    rows = (dict(zip(columns, row.cells, strict=True)) for row in whole)
    return _Table(columns, tuple(row.line for row in whole), tuple(rows), tuple(ragged))


def _header_problems(table: _Table, profile: Profile) -> Iterator[str]:
    known = [CASE, SITE, SIMULATED, *(variable.name for variable in profile.variables)]
    outcome = [name for name in (profile.outcome.time, profile.outcome.event) if name]
    for name in dict.fromkeys(name for name in table.columns if table.columns.count(name) > 1):
        yield f"row 1, column {name}: stands there more than once"
    for name in (CASE, *outcome):
        if name not in table.columns:
            yield f"row 1: column {name} is missing"
    for name in table.columns:
        if name in profile.treatments and name not in known:
            said = f"row 1, column {name}: a treatment is not known at the time of prediction; leave the column out"
            yield f"{said}, or give its variable {KNOWN_TREATMENT} in the profile where it is known by then"
        elif name not in known and name not in outcome:
            yield f"row 1, column {_shown(name)}: unknown; allowed are {', '.join([*known, *outcome])}"


def _row_problems(table: _Table, profile: Profile) -> Iterator[str]:
    seen: dict[str, int] = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        for name, value in row.items():
            allowed = _refused(name, value, profile)
            if allowed:
                yield f"row {line}, column {name}: {_shown(value)}; allowed is {allowed}"
        case = row.get(CASE)
        if case is not None and case in seen:
            yield f"row {line}, column {CASE}: {_shown(case)}, as in row {seen[case]}; allowed is one row a patient"
        if case is not None:
            seen.setdefault(case, line)


def _refused(name: str, value: str, profile: Profile) -> str | None:
    """What would be allowed, where the value is not."""
    variable, outcome = profile.variable(name), profile.outcome
    if name == CASE or (name == SITE and value):
        return None if _PSEUDONYM.fullmatch(value) else "1 to 64 of A-Z a-z 0-9 . _ -"
    if name == outcome.time:
        return None if 0 < (_finite(value) or 0.0) <= _MOST_DAYS else f"a number of days above 0, at most {_MOST_DAYS}"
    if name == outcome.event:
        return None if _code(value) in outcome.codes else "one of " + ", ".join(outcome.codes)
    if name == SIMULATED:
        return None if value in ("", *_WORDS) else "true, false or empty"
    return None if not value or variable is None or _suits(variable, value) else variable.allowed() + ", or empty"


def _suits(variable: Variable, value: str) -> bool:
    if variable.levels:
        return value in variable.levels
    number = _finite(value)
    low, high = variable.low, variable.high
    return number is not None and (low is None or number >= low) and (high is None or number <= high)


def _finite(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _code(value: str) -> str:
    """Codes are whole numbers or words; spreadsheets like to write 1 as 1.0."""
    return value.removesuffix(".0")


def _number(row: dict[str, str], variable: Variable) -> float:
    value = row.get(variable.name, "")
    if not value:
        return math.nan
    return float(variable.levels.index(value)) if variable.levels else float(value)


def _outcome(table: _Table, profile: Profile) -> Outcome:
    outcome = profile.outcome
    event = np.array([outcome.causes.index(_code(row[outcome.event])) for row in table.rows], np.int64)
    if outcome.time:
        days = np.array([float(row[outcome.time]) for row in table.rows], np.float64)
        return Outcome(days / DAYS_A_YEAR, event)
    return Outcome(_assumed_times(event, profile.horizons_years), event)


def _assumed_times(event: Ints, horizons: tuple[float, ...]) -> Floats:
    """Times of a bare yes or no: a yes is an event by the first horizon, a no is known to be free past the last."""
    return np.where(event > 0, horizons[0] / 2, 1.01 * horizons[-1])


def _shown(value: str) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
