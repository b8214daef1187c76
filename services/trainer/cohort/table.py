"""Reads a cohort table by its profile; whatever is wrong is refused together: row, column, value, what is allowed."""

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR, Cohort, Floats, Ints, Outcome
from services.trainer.errors import BadCohortError
from services.trainer.profile import Profile, Variable
from shared.canonical import sha256

CASE, SITE, SIMULATED = "case_id", "site_id", "simulated"
_PSEUDONYM = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORDS = {"true": True, "false": False}
_SHOWN, _LISTED = 40, 200


@dataclass(frozen=True)
class _Table:
    """Cells as text: `rows` in order, each by column name; the header is line 1."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def read_cohort(path: Path, profile: Profile) -> Cohort:
    """Read a table with one row a patient.

    Raises:
        BadCohortError: listing every problem of the table, each with row, column, value and what is allowed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadCohortError(f"cohort {path} cannot be read: {error.strerror}") from error
    table = _parse(data, path.name)
    problems = [*_header_problems(table, profile)] or [*_row_problems(table, profile)]
    if problems:
        more = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
        raise BadCohortError.listing(path.name, problems[:_LISTED] + more)
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
    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadCohortError(f"{name} is no table of comma-separated text in UTF-8: {error}") from error
    if len(lines) < 2:
        raise BadCohortError(f"{name} has no patients: a header and one row a patient are needed")
    header, *body = lines
    ragged = [
        f"row {i}: {len(row)} cells under {len(header)} columns"
        for i, row in enumerate(body, 2)
        if row and len(row) != len(header)
    ]
    if ragged:
        raise BadCohortError.listing(name, ragged)
    columns = tuple(cell.strip() for cell in header)
    rows = (dict(zip(columns, (cell.strip() for cell in row), strict=True)) for row in body if row)
    return _Table(columns, tuple(rows))


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
            yield f"row 1, column {name}: a treatment is not known at the time of prediction; leave the column out"
        elif name not in known and name not in outcome:
            yield f"row 1, column {_shown(name)}: unknown; allowed are {', '.join([*known, *outcome])}"


def _row_problems(table: _Table, profile: Profile) -> Iterator[str]:
    seen: dict[str, int] = {}
    for line, row in enumerate(table.rows, 2):
        for name, value in row.items():
            allowed = _refused(name, value, profile)
            if allowed:
                yield f"row {line}, column {name}: {_shown(value)}; allowed is {allowed}"
        case = row[CASE]
        if case in seen:
            yield f"row {line}, column {CASE}: {_shown(case)}, as in row {seen[case]}; allowed is one row a patient"
        seen.setdefault(case, line)


def _refused(name: str, value: str, profile: Profile) -> str | None:
    """What would be allowed, where the value is not."""
    variable, outcome = profile.variable(name), profile.outcome
    if name == CASE or (name == SITE and value):
        return None if _PSEUDONYM.fullmatch(value) else "1 to 64 of A-Z a-z 0-9 . _ -"
    if name == outcome.time:
        return None if (_finite(value) or 0.0) > 0 else "a number of days above 0"
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
