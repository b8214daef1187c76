"""Reads a cohort table by its profile; one error lists every problem: row, column, value, what is allowed."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR, Cohort, Outcome
from services.trainer.cohort.column_map import ColumnMap
from services.trainer.cohort.decimal_commas import with_points
from services.trainer.cohort.proposal import propose
from services.trainer.cohort.readings import summary
from services.trainer.cohort.rows import read_bytes, read_rows
from services.trainer.errors import BadCohortError, UnknownColumnsError, UnreadableTableError
from shared.arrays import Floats, Ints
from shared.canonical import sha256
from shared.model.profile import Profile
from shared.model.variable import KNOWN_TREATMENT, Value, Variable
from shared.model.vocabulary import Entries, Vocabulary
from shared.model.written import plain_number

CASE, SITE, SIMULATED = "case_id", "site_id", "simulated"
_PSEUDONYM = re.compile(r"[A-Za-z0-9._-]{1,64}")
SIMULATED_WORDS = {"true": True, "false": False}
_SHOWN = 60
_MOST_DAYS = 43830
"""120 years: what is longer is no follow-up of a patient, or is not in days."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by our column names: `rows` in order, each with its line in the file."""

    columns: tuple[str, ...]
    lines: tuple[int, ...]
    rows: tuple[dict[str, str | float], ...]
    ragged: tuple[str, ...]
    """What is wrong with rows of more or fewer cells than there are columns; they are not among `rows`."""
    notes: tuple[str, ...]


def read_cohort(path: Path, profile: Profile, columns: ColumnMap | None = None) -> Cohort:
    """Read a table with one row a patient; `columns` maps other names and words to the profile's.

    Raises:
        BadCohortError: listing every problem of the table, each with row, column, value and what is allowed.
        BadMapError: the map names columns that are not there.
    """
    data = read_bytes(path, f"cohort {path}")
    words = profile.vocabulary
    table = parse_table(data, path.name, columns or ColumnMap(), words.numbers | {profile.outcome.time})
    entries = [words.read(row) for row in table.rows]
    problems = [*_header_problems(table, profile, words), *table.ragged, *_row_problems(table, entries, profile)]
    if problems:
        raise refusal_with_map(path.name, problems, table, profile, words)
    cohort = Cohort(
        profile=profile,
        name=path.stem,
        case_ids=tuple(str(row[CASE]) for row in table.rows),
        sites=tuple("" if words.is_missing(row.get(SITE)) else str(row[SITE]) for row in table.rows),
        values=np.array([_numbers(item, profile) for item in entries], np.float64),
        outcome=_outcome(table, profile),
        digest=sha256(data),
        simulated=any(SIMULATED_WORDS.get(str(row.get(SIMULATED, "")), False) for row in table.rows),
    )
    return summary(cohort, entries, table.notes)


def parse_table(data: bytes, name: str, columns: ColumnMap, numbers: frozenset[str]) -> Table:
    """Cells of a table by our names, with decimal points in the columns of `numbers`; the cells are not checked.

    Raises:
        UnreadableTableError: it is no table, or has no rows below the header.
        BadMapError: the map names columns that are not there.
    """
    sheet = read_rows(data, name)
    header, *body = sheet.rows
    if not body:
        raise UnreadableTableError(f"{name} has no patients: a header and one row a patient are needed")
    theirs = header.cells
    columns.check(theirs, name)
    whole = [row for row in body if len(row.cells) == len(theirs)]
    ragged = (
        f"row {row.line}: {len(row.cells)} cells under {len(theirs)} columns; allowed is one cell a column"
        for row in body
        if len(row.cells) != len(theirs)
    )
    if sheet.decimal_comma:
        whole = with_points(whole, [columns.name(name) in numbers for name in theirs])
    rows = (columns.translate(dict(zip(theirs, row.cells, strict=True))) for row in whole)
    ours = tuple(name for name in map(columns.name, theirs) if name is not None)
    return Table(ours, tuple(row.line for row in whole), tuple(rows), tuple(ragged), sheet.notes)


def _header_problems(table: Table, profile: Profile, words: Vocabulary) -> Iterator[str]:
    known, outcome = _known(profile, words)
    for name, count in Counter(table.columns).items():
        if count > 1:
            yield f"row 1, column {_shown(name)}: stands there more than once"
    for name in (CASE, *outcome):
        if name not in table.columns:
            yield f"row 1: column {name} is missing"
    for name in table.columns:
        if name in profile.treatments and name not in known:
            problem = f"row 1, column {name}: a treatment is not known at the time of prediction; leave the column out"
            yield f"{problem}, or give its variable {KNOWN_TREATMENT} in the profile where it is known by then"
    unknown = _unknown(table, profile, words)
    if unknown:
        listed = f"column{'s' * (len(unknown) > 1)} {', '.join(map(_shown, unknown))}"
        yield f"row 1, {listed}: unknown; allowed are {', '.join([*known, *outcome])}"


def _known(profile: Profile, words: Vocabulary) -> tuple[list[str], list[str]]:
    """Columns that a table may have, and those of the outcome, which it must have."""
    outcome = [name for name in (profile.outcome.time, profile.outcome.event) if name]
    return [CASE, SITE, SIMULATED, *words.columns], outcome


def _unknown(table: Table, profile: Profile, words: Vocabulary) -> list[str]:
    known, outcome = _known(profile, words)
    return [name for name in table.columns if name not in (*known, *outcome, *profile.treatments)]


def refusal_with_map(
    name: str, problems: list[str], table: Table, profile: Profile, words: Vocabulary
) -> BadCohortError:
    """The problems of a table; where its columns have other names, with a map to start from."""
    refused, unknown = BadCohortError.listing(name, problems), _unknown(table, profile, words)
    if not unknown:
        return refused
    known, outcome = _known(profile, words)
    wanted = [item for item in (*known, *outcome) if item not in table.columns]
    proposed = propose(unknown, table.rows, wanted, words)
    return UnknownColumnsError(str(refused), proposed)


def _row_problems(table: Table, entries: list[Entries], profile: Profile) -> Iterator[str]:
    line_of_case: dict[str, int] = {}
    for line, row, read in zip(table.lines, table.rows, entries, strict=True):
        for problem in read.problems:
            place = f"row {line}, column {problem.column}"
            yield f"{place}: {_shown(problem.written)}; allowed is {problem.allowed}, or empty"
        for name, value in row.items():
            allowed = _refused(name, str(value), profile)
            if allowed:
                yield f"row {line}, column {name}: {_shown(value)}; allowed is {allowed}"
        case = row.get(CASE)
        if case is not None and line_of_case.setdefault(str(case), line) != line:
            first = line_of_case[str(case)]
            yield f"row {line}, column {CASE}: {_shown(case)}, as in row {first}; allowed is one row a patient"


def _refused(name: str, value: str, profile: Profile) -> str | None:
    """What would be allowed in a column that is no variable's, where the value is not."""
    outcome = profile.outcome
    if name == CASE or (name == SITE and value):
        return None if _PSEUDONYM.fullmatch(value) else "1 to 64 of A-Z a-z 0-9 . _ -"
    if name == outcome.time:
        return (
            None
            if 0 < (plain_number(value) or 0.0) <= _MOST_DAYS
            else f"a number of days above 0, at most {_MOST_DAYS}"
        )
    if name == outcome.event:
        return None if _code(value) in outcome.codes else "one of " + ", ".join(outcome.codes)
    if name == SIMULATED:
        return None if value in ("", *SIMULATED_WORDS) else "true, false or empty"
    return None


def _code(value: str) -> str:
    """Codes are whole numbers or words; spreadsheets like to write 1 as 1.0."""
    return value.removesuffix(".0")


def _numbers(read: Entries, profile: Profile) -> list[float]:
    return [_number(read.values.get(variable.name), variable) for variable in profile.variables]


def _number(value: Value | None, variable: Variable) -> float:
    if value is None:
        return math.nan
    return float(variable.levels.index(value)) if isinstance(value, str) else value


def _outcome(table: Table, profile: Profile) -> Outcome:
    outcome = profile.outcome
    event = np.array([outcome.causes.index(_code(str(row[outcome.event]))) for row in table.rows], np.int64)
    if outcome.time:
        days = np.array([float(row[outcome.time]) for row in table.rows], np.float64)
        return Outcome(days / DAYS_A_YEAR, event)
    return Outcome(_assumed_times(event, profile.horizons_years), event)


def _assumed_times(event: Ints, horizons: tuple[float, ...]) -> Floats:
    """Times of a bare yes or no: a yes is an event by the first horizon, a no is known to be free past the last."""
    return np.where(event > 0, horizons[0] / 2, 1.01 * horizons[-1])


def _shown(value: object) -> str:
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
