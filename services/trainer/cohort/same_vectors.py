"""Recognises vectors that stand under two cases: the same patient twice, or a copy."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.duplicates import BY_CHANCE, COST, rows_by_chance
from services.trainer.cohort.vectors import Vectors
from shared.arrays import Flags, Floats
from shared.canonical import canonical_json

_LEAST_DIFFERENT = 10
"""Values of a column. Columns of fewer, such as yes or no, go together, so that equal rows of them say nothing."""


def same_vectors(cohort: Cohort) -> Iterator[tuple[str, str, str]]:
    """Pairs of cases with one and the same vector that by chance would not be, and what they share."""
    for block, vectors in cohort.vectors.items():
        identifying = _identifying(vectors)
        owners: dict[bytes, list[int]] = defaultdict(list)
        for place in np.flatnonzero(identifying):
            owners[_bytes(vectors, int(place))].append(int(place))
        title = cohort.profile.title_of(block)
        for places in owners.values():
            if len(places) > 1:
                first, second, *_ = sorted(cohort.case_ids[place] for place in places)
                yield first, second, f"a vector of {title}"


def identifying_vectors(cohort: Cohort, salt: Iterable[str]) -> list[str]:
    """What a bundle keeps of its training patients' vectors: digests of those that no other patient has by chance."""
    identifying = {block: _identifying(vectors) for block, vectors in cohort.vectors.items()}
    return [digest for digests in _digests(cohort, salt, identifying).values() for digest in digests]


def vector_digests(cohort: Cohort, salt: Iterable[str]) -> dict[str, list[str]]:
    """Digests of each case's vectors; only those under the `salt` of one bundle can be compared."""
    return _digests(cohort, salt, {block: vectors.known for block, vectors in cohort.vectors.items()})


def _digests(cohort: Cohort, salt: Iterable[str], chosen: dict[str, Flags]) -> dict[str, list[str]]:
    """By scrypt, as rows of the table are: few numbers could be found by trying all."""
    listed, digests = sorted(salt), defaultdict(list)
    for block, vectors in cohort.vectors.items():
        key = canonical_json([block, *listed])
        for place in np.flatnonzero(chosen[block]):
            row = _bytes(vectors, int(place))
            digests[cohort.case_ids[place]].append(hashlib.scrypt(row, salt=key, **COST).hex())
    return dict(digests)


def _identifying(vectors: Vectors) -> Flags:
    """Patients [n] of whose vector so much is known that no other has it by chance."""
    distinct = np.array([len(np.unique(column[~np.isnan(column)])) for column in vectors.values.T])
    measured: Floats = vectors.values[:, distinct >= _LEAST_DIFFERENT]
    return np.asarray(vectors.known & (rows_by_chance(measured) < BY_CHANCE))


def _bytes(vectors: Vectors, place: int) -> bytes:
    """A vector as bytes; columns by name, so that their order in the table does not matter."""
    order = np.argsort(np.array(vectors.columns), kind="stable")
    return np.ascontiguousarray(vectors.values[place, order] + 0.0).tobytes()
