"""People's notes in every result store: kept in the audit chain, erased with the case, on SQLite and on PostgreSQL."""

import re

import pytest
from sqlalchemy import Update, delete, update

from services.results.ports import NoteRecord
from services.results.schema import AUDIT, METADATA, NOTES
from services.results.sql_store import SqlStore
from shared.canonical import sha256
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.result_stores import apply, disarm, record


def note(case: str, name: str, minutes: float = 3) -> NoteRecord:
    body = f'{{"note_id": "{name}", "case_id": "{case}", "kind": "seen"}}'
    return NoteRecord(CaseId(case), name, body, sha256(body.encode()), samples.at(minutes))


def test_notes_are_read_back_the_latest_first_and_have_entries(fresh: SqlStore) -> None:
    apply(fresh, record("c", "1", 1))
    first, second = note("c", "n2", 3), note("c", "n1", 4)
    assert [fresh.record_note(first), fresh.record_note(second)] == [True, True]
    assert fresh.notes(CaseId("c")) == [second.body, first.body]
    assert fresh.all_notes(10) == [first.body, second.body]
    assert fresh.all_notes(10, after=(samples.at(3), "n2")) == [second.body]
    report = fresh.verify_chain()
    assert (report.intact, report.entries) == (True, 3)
    assert [row.entry.is_note for row in fresh.audited("c")] == [False, True, True]


def test_a_case_of_which_nothing_is_stored_takes_no_note(fresh: SqlStore) -> None:
    assert not fresh.record_note(note("nobody", "n1"))
    assert (fresh.all_notes(10), fresh.verify_chain().entries) == ([], 0)


def test_a_note_changes_neither_the_score_nor_the_place_in_the_list(fresh: SqlStore) -> None:
    apply(fresh, record("c", "1", 1))
    before, revisions = fresh.case(CaseId("c")), fresh.activity(samples.at(0)).revisions
    fresh.record_note(note("c", "n1"))
    assert fresh.case(CaseId("c")) == before
    assert fresh.activity(samples.at(0)).revisions["c"] > revisions["c"]


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (update(NOTES).values(body="{}"), r"Note n1 of case c \(entry 2\) was changed"),
        (delete(NOTES), r"Note n1 of case c \(entry 2\) is gone"),
        (delete(AUDIT).where(AUDIT.c.seq == 2), "Note n1 of case c has no entry"),
    ],
)
def test_the_chain_shows_a_note_that_was_changed_or_lost(fresh: SqlStore, tamper: Update, problem: str) -> None:
    apply(fresh, record("c", "1", 1))
    fresh.record_note(note("c", "n1"))
    with fresh.engine.begin() as connection:
        disarm(connection)
        connection.execute(tamper)
    assert re.search(problem, fresh.verify_chain().problem)


def test_notes_are_erased_with_their_case_and_the_chain_stays_intact(fresh: SqlStore) -> None:
    for case in ("c-erased", "c-other"):
        apply(fresh, record(case, "1", 1))
        fresh.record_note(note(case, f"n-{case[2:]}"))
    assert fresh.erase(CaseId("c-erased"))
    assert fresh.verify_chain().intact
    with fresh.engine.begin() as tx:
        rows = [str(tuple(row)) for table in METADATA.sorted_tables for row in tx.execute(table.select())]
    assert not any("c-erased" in row for row in rows)
    assert fresh.all_notes(10) == [note("c-other", "n-other").body]
    assert len(fresh.audited(sha256(b"c-erased"))) == 3
