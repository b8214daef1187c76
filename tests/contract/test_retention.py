"""Cases without activity are erased by the retention, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
from medulla.v1.events_pb2 import CaseEraseRequested, Progress, SlideRejected
from sqlalchemy import update

from services.results.audit_chain import ERASED, EXPIRED
from services.results.database import transaction
from services.results.handler import EraseResults
from services.results.ports import NoteRecord
from services.results.retention import RetainCases, Retained
from services.results.schema import CASES
from services.results.sql_store import SqlStore
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.memory import MemoryBus
from shared.canonical import sha256
from shared.erased import RETENTION, ErasedCases, request
from shared.times import utc_now
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.result_stores import apply, record, withdrawal

BEFORE = samples.at(120)
"""After all that the fixture's clock, which stands at 60, records."""
LATER = samples.at(130)


def retain(store: SqlStore, bus: MemoryBus, blobs: MemoryStore | None = None, at_most: int = 1000) -> Retained:
    return RetainCases(store.engine, blobs or MemoryStore(), bus.producer(), at_most, at_once=2)(BEFORE)


def requests(bus: MemoryBus) -> list[CaseEraseRequested]:
    return [CaseEraseRequested.FromString(each.value) for each in bus.records(topics.CASES_ERASE)]


def handle(store: SqlStore, bus: MemoryBus, blobs: MemoryStore | None = None) -> list[str]:
    """Have results handle the requests, and those that it asks of all services; the cases that it asked for."""
    erase = EraseResults(blobs or MemoryStore(), store)
    asked_for = [follow for event in requests(bus) for follow in erase(event)]
    for follow in asked_for:
        assert erase(follow) == ()
    return [follow.case_id for follow in asked_for]


def requested(bus: MemoryBus) -> list[str]:
    return sorted(event.case_id for event in requests(bus))


def test_cases_without_activity_are_erased_and_the_record_has_who_asked(fresh: SqlStore) -> None:
    bus = MemoryBus()
    for minute, case in enumerate(("a", "b", "c", "d", "e")):
        apply(fresh, record(case, "1", minute + 1))
    apply(fresh, record("young", "1", 130))
    assert retain(fresh, bus) == Retained(due=5, requested=5)
    assert requested(bus) == ["a", "b", "c", "d", "e"]
    assert sorted(handle(fresh, bus)) == ["a", "b", "c", "d", "e"]
    assert fresh.case_ids() == ["young"]
    assert fresh.verify_whole_chain().intact
    assert fresh.audited(sha256(b"a"))[-1].entry.why == EXPIRED
    assert set(fresh.activity(samples.at(0)).erased) == {sha256(case.encode()) for case in "abcde"}
    assert retain(fresh, MemoryBus()) == Retained()


def test_a_request_of_a_person_is_recorded_as_before(fresh: SqlStore) -> None:
    apply(fresh, record("a", "1", 1))
    EraseResults(MemoryStore(), fresh)(request(CaseId("a"), "operator"))
    assert fresh.audited(sha256(b"a"))[-1].entry.why == ERASED


@pytest.mark.parametrize("kind", ["score", "withdrawal", "note"])
def test_what_was_recorded_since_keeps_a_case(fresh: SqlStore, kind: str) -> None:
    """Its inputs are old in each: a promotion scores old cases again, and a note leaves the time of the case."""
    apply(fresh, record("a", "1", 1))
    fresh._now = lambda: samples.at(121)
    if kind == "note":
        fresh.record_note(NoteRecord(CaseId("a"), "n", "{}", sha256(b"{}"), samples.at(121)))
    else:
        apply(fresh, record("a", "2", 2) if kind == "score" else withdrawal("a", 2))
    assert retain(fresh, MemoryBus()) == Retained()


@pytest.mark.parametrize("key", ["slides/a/new.svs", "clinical/a.json", "vectors/a/radiomics.json"])
def test_an_input_in_the_bucket_of_which_results_has_no_event_keeps_a_case(fresh: SqlStore, key: str) -> None:
    apply(fresh, record("a", "1", 1))
    apply(fresh, record("ab", "1", 1))
    blobs, bus = MemoryStore(), MemoryBus()
    blobs.put(key, b"landed now, which is after the made-up day")
    assert utc_now() > BEFORE + timedelta(days=1)
    assert retain(fresh, bus, blobs) == Retained(due=1, requested=1, newer_in_bucket=1)
    assert requested(bus) == ["ab"]


@pytest.mark.parametrize("fact", [samples.rejected("a", "B", LATER), samples.progress("a", "A", 3, LATER)])
def test_a_refusal_and_progress_keep_a_case(fresh: SqlStore, fact: SlideRejected | Progress) -> None:
    apply(fresh, record("a", "1", 1))
    apply(fresh, fact)
    assert retain(fresh, MemoryBus()) == Retained()


def test_a_run_is_bounded_and_the_next_one_goes_on(fresh: SqlStore) -> None:
    for case in "abcde":
        apply(fresh, record(case, "1", 1))
    erased: list[str] = []
    for expected in (Retained(3, 3, limit_reached=True), Retained(2, 2)):
        bus = MemoryBus()
        assert retain(fresh, bus, at_most=3) == expected
        erased += handle(fresh, bus)
    assert sorted(erased) == list("abcde")
    assert len(set(erased)) == len(erased)


def test_a_run_that_ends_with_the_last_case_is_not_limited(fresh: SqlStore) -> None:
    for case in "abcd":
        apply(fresh, record(case, "1", 1))
    assert retain(fresh, MemoryBus(), at_most=4) == Retained(4, 4)


@pytest.mark.parametrize("kind", ["score", "note", "refusal", "slide"])
def test_what_comes_before_its_request_is_handled_keeps_a_case(fresh: SqlStore, kind: str) -> None:
    apply(fresh, record("a", "1", 1))
    bus, blobs = MemoryBus(), MemoryStore()
    assert retain(fresh, bus).requested == 1
    fresh._now = lambda: samples.at(121)
    if kind == "score":
        apply(fresh, record("a", "2", 2))
    elif kind == "note":
        fresh.record_note(NoteRecord(CaseId("a"), "n", "{}", sha256(b"{}"), samples.at(121)))
    elif kind == "refusal":
        apply(fresh, samples.rejected("a", "B", LATER))
    else:
        blobs.put("slides/a/new.svs", b"landed now")
    assert handle(fresh, bus, blobs) == []
    assert fresh.case_ids() == ["a"]
    assert not ErasedCases(blobs).holds(CaseId("a"))


def test_a_request_is_handled_the_same_way_after_a_crash_and_the_marker_says_why(fresh: SqlStore) -> None:
    apply(fresh, record("a", "1", 1))
    bus, blobs = MemoryBus(), MemoryStore()
    retain(fresh, bus)
    (event,) = requests(bus)
    erase = EraseResults(blobs, fresh)
    first = erase(event)
    assert [follow.cause for follow in first] == [RETENTION]
    assert ErasedCases(blobs).cause(CaseId("a")) == RETENTION
    blobs.put("slides/a/late.svs", b"landed after the marker")
    assert erase(event) == first


def test_requests_that_were_not_handled_yet_are_the_same_again(fresh: SqlStore) -> None:
    apply(fresh, record("a", "1", 1))
    bus = MemoryBus()
    retain(fresh, bus)
    retain(fresh, bus)
    first, second = requests(bus)
    assert first == second
    with transaction(fresh.engine, write=True) as tx:
        tx.execute(update(CASES).values(updated_at=samples.at(5)))
    retain(fresh, bus)
    assert requests(bus)[2].event_id != first.event_id


def test_a_dry_run_counts_all_and_requests_nothing(fresh: SqlStore) -> None:
    for case in "abcde":
        apply(fresh, record(case, "1", 1))
    dry = RetainCases(fresh.engine, MemoryStore(), None, at_most=2, at_once=2)
    assert dry(BEFORE) == Retained(due=5)
    assert fresh.case_ids() == list("abcde")
