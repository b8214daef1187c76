"""Erasing a case from every result store, on SQLite and on PostgreSQL."""

import pytest

from services.results.audit_chain import ERASED, EXPIRED
from services.results.erased_results import SweepErasedResults
from services.results.schema import METADATA
from services.results.sql_store import SqlStore
from shared import keys
from shared.blob.memory import MemoryStore
from shared.canonical import sha256
from shared.erased import RETENTION, ErasedCases
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.result_stores import apply, record, withdrawal


def test_an_erased_case_leaves_no_row_and_an_intact_record_of_digests(fresh: SqlStore) -> None:
    case, other = "c-erased", "c-other"
    for name in (case, other):
        apply(fresh, record(name, "1", 5))
        apply(fresh, record(name, "2", 6))
        fresh.record_rejection(samples.rejected(name, "B", samples.at(6)))
        fresh.record_progress(samples.progress(name, "A", 3, samples.at(7)))
    before = fresh.verify_chain()
    assert fresh.erase(CaseId(case))
    assert not fresh.erase(CaseId(case))
    report = fresh.verify_chain()
    assert (report.intact, report.entries) == (True, before.entries + 1)
    assert fresh.case(CaseId(case)) is None
    assert case not in everything(fresh)
    assert other in everything(fresh)


def test_a_case_that_comes_back_and_is_erased_again_leaves_an_intact_record(fresh: SqlStore) -> None:
    case = "c-erased"
    for version in "123":
        apply(fresh, record(case, version, 5))
        assert fresh.erase(CaseId(case))
    assert fresh.verify_chain().intact
    assert case not in everything(fresh)


def test_an_erased_case_that_had_no_entry_leaves_an_intact_record(fresh: SqlStore) -> None:
    case = "c-erased"
    apply(fresh, record("c-other", "1", 5))
    for _ in range(2):
        fresh.record_rejection(samples.rejected(case, "B", samples.at(6)))
        assert fresh.erase(CaseId(case))
    report = fresh.verify_chain()
    assert (report.intact, report.entries) == (True, 3)
    assert case not in everything(fresh)


def test_the_same_score_and_withdrawal_are_recorded_and_erased_again(fresh: SqlStore) -> None:
    case = "c-erased"
    for _ in range(2):
        facts = record(case, "1", 5), withdrawal(case, 6)
        assert [apply(fresh, fact) for fact in facts * 2] == [True, True, False, False]
        assert fresh.erase(CaseId(case))
    report = fresh.verify_chain()
    assert (report.intact, report.entries) == (True, 6)
    assert fresh.activity(samples.at(5)).erased == {sha256(case.encode()): 6}
    assert case not in everything(fresh)


def test_late_rows_of_an_erased_case_are_erased_again_and_leave_an_intact_record(fresh: SqlStore) -> None:
    case = "c-erased"
    apply(fresh, record(case, "1", 5))
    assert fresh.erase(CaseId(case))
    fresh.record_progress(samples.progress(case, "A", 3, samples.at(7)))
    assert fresh.erase(CaseId(case))
    assert fresh.verify_chain().intact


def test_rows_that_were_written_of_an_erased_case_are_swept_and_those_of_others_stay(fresh: SqlStore) -> None:
    case, other, blobs = CaseId("c-erased"), CaseId("c-other"), MemoryStore()
    ErasedCases(blobs).add(case)
    for name in (case, other):
        apply(fresh, record(name, "1", 5))
        fresh.record_progress(samples.progress(name, "A", 3, samples.at(7)))
    assert fresh.case_ids() == [case, other]
    SweepErasedResults(blobs, fresh)()
    assert fresh.case_ids() == [other]
    assert case not in everything(fresh)
    assert fresh.verify_chain().intact


@pytest.mark.parametrize(("cause", "why"), [(RETENTION, EXPIRED), ("operator", ERASED), ("", ERASED)])
def test_the_record_says_why_although_the_marker_comes_before_the_request(
    fresh: SqlStore, cause: str, why: str
) -> None:
    case, blobs = CaseId("c-erased"), MemoryStore()
    ErasedCases(blobs).add(case, "request", cause)
    apply(fresh, record(case, "1", 5))
    SweepErasedResults(blobs, fresh)()
    assert fresh.audited(sha256(case.encode()))[-1].entry.why == why


def test_a_marker_of_an_older_program_is_read(fresh: SqlStore) -> None:
    case, blobs = CaseId("c-erased"), MemoryStore()
    blobs.put(keys.erased(case), b'{"at":"","request":"r"}')
    apply(fresh, record(case, "1", 5))
    SweepErasedResults(blobs, fresh)()
    assert fresh.audited(sha256(case.encode()))[-1].entry.why == ERASED


def everything(store: SqlStore) -> str:
    """Every row of every table, as text."""
    with store.engine.begin() as tx:
        return "\n".join(str(tuple(row)) for table in METADATA.sorted_tables for row in tx.execute(table.select()))
