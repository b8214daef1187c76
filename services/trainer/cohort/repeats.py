"""Rows of a table that are equal but for case and site: a patient under two names, or chance where little is known."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from services.trainer.cohort.cohort import Cohort, Flags, Floats
from services.trainer.errors import LeakError
from shared.canonical import canonical_json

BY_CHANCE = 0.001
"""A row is taken for one patient's own if fewer others than this are expected to equal it by chance."""
_NAMED = 5
_COST = {"n": 2**12, "r": 8, "p": 1, "dklen": 16}
"""About 10 ms a row. Whoever guesses rows by the billion, to learn one from its digest, needs centuries."""


def repeated(cohort: Cohort) -> list[str]:
    """A note on equal rows that may be chance.

    Raises:
        LeakError: rows are equal that by chance would not be.
    """
    owners: dict[bytes, list[int]] = defaultdict(list)
    for place, row in enumerate(_rows(cohort)):
        owners[row.tobytes()].append(place)
    groups, own = [places for places in owners.values() if len(places) > 1], own_rows(cohort)
    if sure := [places for places in groups if own[places[0]]]:
        raise LeakError(f"patients have one and the same row, outcome and all: {_named(cohort, sure)}")
    if not groups:
        return []
    return [
        f"patients have one and the same row ({_named(cohort, groups)}); so few values are known of them that it may "
        "be chance, or a patient who stands there twice"
    ]


def own_rows(cohort: Cohort) -> Flags:
    """Of which patients [n] so much is known that no other has the same row by chance.

    The number of others expected is (n - 1) times the product, over the known values, of the share of others who have
    the value, at least one; as if values were independent.
    """
    others = max(len(cohort) - 1, 1)
    expected = np.full(len(cohort), float(others))
    for column in _rows(cohort).T:
        _, place, count = np.unique(column, return_inverse=True, return_counts=True)
        expected *= np.where(np.isnan(column), 1.0, np.maximum(count[place] - 1, 1) / others)
    return np.asarray(expected < BY_CHANCE)


def telling_digests(cohort: Cohort, salt: Iterable[str]) -> list[str]:
    """What a bundle keeps of its training patients' rows: digests of those rows that no other patient has by chance."""
    digests = row_digests(cohort, salt)
    return [digests[case] for case, own in zip(cohort.case_ids, own_rows(cohort), strict=True) if own]


def row_digests(cohort: Cohort, salt: Iterable[str]) -> dict[str, str]:
    """The digest of each patient's row; only rows under the `salt` of one bundle can be compared.

    The work factor (scrypt, RFC 7914) keeps short rows from being found by trying all of them.
    """
    key = canonical_json(sorted(salt))
    rows = zip(cohort.case_ids, _rows(cohort), strict=True)
    return {case: hashlib.scrypt(row.tobytes(), salt=key, **_COST).hex() for case, row in rows}


def _rows(cohort: Cohort) -> Floats:
    """All that the table says of each patient, [n, values]: variables, event and, where there is one, time."""
    outcome = cohort.outcome
    times = [outcome.time] if cohort.has_times else []
    return np.ascontiguousarray(np.column_stack([cohort.values, outcome.event, *times])) + 0.0


def _named(cohort: Cohort, groups: list[list[int]]) -> str:
    said = [" and ".join(cohort.case_ids[place] for place in places[:_NAMED]) for places in groups[:_NAMED]]
    return "; ".join(said) + (f"; and {len(groups) - _NAMED} more" if len(groups) > _NAMED else "")
