"""Duplicate rows, equal but for case and site: a patient under two names, or chance where little is known."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.errors import DuplicateRowsError
from shared.arrays import Flags, Floats
from shared.canonical import canonical_json

BY_CHANCE = 0.01
"""A row identifies its patient if, in a cohort of such rows, fewer equal ones than this are expected by chance."""
_NAMED = 5
COST = {"n": 2**12, "r": 8, "p": 1, "dklen": 16}
"""About 10 ms a row. Guessing a billion rows, to learn one from its digest, costs a processor four months."""


def duplicate_rows(cohort: Cohort) -> list[str]:
    """A note on equal rows that may be chance.

    Raises:
        DuplicateRowsError: rows are equal that by chance would not be.
    """
    owners: dict[bytes, list[int]] = defaultdict(list)
    for place, row in enumerate(_rows(cohort)):
        owners[row.tobytes()].append(place)
    groups, sure = [places for places in owners.values() if len(places) > 1], identifying_rows(cohort)
    if same := [places for places in groups if sure[places[0]]]:
        raise DuplicateRowsError(f"patients have one and the same row, outcome and all: {_named(cohort, same)}")
    if not groups:
        return []
    return [
        f"patients have one and the same row ({_named(cohort, groups)}); so few values are known of them that it may "
        "be chance, or a patient who stands there twice"
    ]


def identifying_rows(cohort: Cohort) -> Flags:
    """Of which patients [n] so much is known that no other has the same row by chance.

    The number of equal rows expected in n of the kind is n (n - 1) times the product, over the known values, of the
    share of others who have the value, at least one; as if values were independent. Where values go together there are
    more by chance than that, hence a limit far below one.
    """
    return np.asarray(rows_by_chance(_rows(cohort)) < BY_CHANCE)


def rows_by_chance(rows: Floats) -> Floats:
    """Equal rows [n] that are expected by chance in a cohort of the kind of each of `rows` [n, values]."""
    others = max(len(rows) - 1, 1)
    expected = np.full(len(rows), float(others))
    for column in rows.T:
        _, place, count = np.unique(column, return_inverse=True, return_counts=True)
        expected *= np.where(np.isnan(column), 1.0, np.maximum(count[place] - 1, 1) / others)
    return np.asarray(expected * len(rows), np.float64)


def identifying_digests(cohort: Cohort, salt: Iterable[str]) -> list[str]:
    """What a bundle keeps of its training patients' rows: digests of those rows that no other patient has by chance."""
    return list(row_digests(cohort.take(np.flatnonzero(identifying_rows(cohort))), salt).values())


def row_digests(cohort: Cohort, salt: Iterable[str]) -> dict[str, str]:
    """The digest of each patient's row; only rows under the `salt` of one bundle can be compared.

    The work factor (scrypt, RFC 7914) keeps short rows from being found by trying all of them.
    """
    key = canonical_json(sorted(salt))
    rows = zip(cohort.case_ids, _rows(cohort), strict=True)
    return {case: hashlib.scrypt(row.tobytes(), salt=key, **COST).hex() for case, row in rows}


def _rows(cohort: Cohort) -> Floats:
    """Each patient's row as numbers, [n, values]: variables, event and, where there is one, time."""
    outcome = cohort.outcome
    times = [outcome.time] if cohort.has_times else []
    return np.ascontiguousarray(np.column_stack([cohort.values, outcome.event, *times])) + 0.0


def _named(cohort: Cohort, groups: list[list[int]]) -> str:
    pairs = [" and ".join(cohort.case_ids[place] for place in places[:_NAMED]) for places in groups[:_NAMED]]
    return "; ".join(pairs) + (f"; and {len(groups) - _NAMED} more" if len(groups) > _NAMED else "")
