"""No entry of the audit record can be changed or lost unseen."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.results.audit_chain import GENESIS, AuditEntry, AuditRow, no_longer_from, verify
from tests.support import scores as samples

CHANGES: dict[str, Any] = {
    "case_id": "other",
    "score_id": "other",
    "score_digest": "0" * 64,
    "as_of": samples.at(0) + timedelta(microseconds=1),
    "event_id": "other",
    "recorded_at": samples.at(99),
}


def chain(length: int) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for n in range(1, length + 1):
        previous = rows[-1].kept_hash if rows else GENESIS
        body = f"body {n}"
        digest = hashlib.sha256(body.encode()).hexdigest()
        entry = AuditEntry(n, f"c{n}", f"s{n}", digest, samples.at(n), f"e{n}", samples.at(n + 1), previous)
        rows.append(AuditRow(entry, entry.hash(), body))
    return rows


def forge(row: AuditRow, field: str, *, rehash: bool) -> AuditRow:
    entry = replace(row.entry, **{field: CHANGES[field]})
    return replace(row, entry=entry, kept_hash=entry.hash() if rehash else row.kept_hash)


def first_bad(rows: Sequence[AuditRow]) -> int:
    return verify(rows).entries + 1


@given(length=st.integers(0, 8))
def test_an_untouched_chain_is_intact(length: int) -> None:
    rows = chain(length)
    report = verify(rows)
    assert report.intact
    assert (report.entries, report.head) == (length, rows[-1].kept_hash if rows else GENESIS)


@given(data=st.data(), length=st.integers(1, 8), field=st.sampled_from(sorted(CHANGES)))
def test_any_changed_field_is_found(data: st.DataObject, length: int, field: str) -> None:
    rows, place = chain(length), data.draw(st.integers(0, length - 1))
    rows[place] = forge(rows[place], field, rehash=False)
    assert first_bad(rows) == place + 1


@given(data=st.data(), length=st.integers(2, 8), field=st.sampled_from(sorted(set(CHANGES) - {"score_digest"})))
def test_a_change_with_a_hash_made_to_fit_is_found_at_the_next_entry(
    data: st.DataObject, length: int, field: str
) -> None:
    rows, place = chain(length), data.draw(st.integers(0, length - 2))
    rows[place] = forge(rows[place], field, rehash=True)
    assert first_bad(rows) == place + 2


@given(data=st.data(), length=st.integers(2, 8))
def test_a_lost_entry_is_found(data: st.DataObject, length: int) -> None:
    rows, place = chain(length), data.draw(st.integers(0, length - 2))
    del rows[place]
    assert first_bad(rows) == place + 1


@given(data=st.data(), length=st.integers(2, 8))
def test_swapped_entries_are_found(data: st.DataObject, length: int) -> None:
    rows, place = chain(length), data.draw(st.integers(0, length - 2))
    rows[place], rows[place + 1] = rows[place + 1], rows[place]
    assert first_bad(rows) == place + 1


def test_a_changed_or_lost_score_is_found() -> None:
    rows = chain(3)
    assert "was changed" in verify([*rows[:2], replace(rows[2], body="other")]).problem
    assert "is gone" in verify([*rows[:2], replace(rows[2], body=None)]).problem


def test_a_score_that_lost_a_vector_says_which() -> None:
    before, now = samples.with_vectors(), samples.with_vectors()
    removed = now.provenance.vectors.pop()
    sentence = no_longer_from(samples.body(before), samples.body(now))
    assert sentence == f"No longer made from the vector texture with SHA-256 {removed.digest}."
    assert no_longer_from(samples.body(now), samples.body(before)) is None
