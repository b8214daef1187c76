"""Superseded scores and their audit entries move into the bucket, on SQLite and on PostgreSQL."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import delete, insert, select

from services.results.archive_file import ArchiveFile, key_of
from services.results.archive_metrics import MaintainArchive
from services.results.archiving import Archived, ArchiveScores, remove_obsolete
from services.results.audit_seal import Seal
from services.results.database import transaction
from services.results.erased_results import SweepErasedResults
from services.results.errors import BrokenArchiveError
from services.results.schema import ARCHIVES, AUDIT, SCORES
from services.results.sql_archive import KEPT, Archive
from services.results.sql_store import SqlStore
from services.results.sql_verify import verify_recent, verify_whole
from shared import keys
from shared.blob.memory import MemoryStore
from shared.canonical import sha256
from shared.erased import ErasedCases
from shared.times import utc_now
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.archive_stores import InterruptedStore, KilledError, KilledStore
from tests.support.result_stores import apply, record, withdrawal

SEAL, NOW = Seal(b"a key that the database does not hold"), samples.at(24 * 60 * 400)
FIRST, SECOND = CaseId("c-1"), CaseId("c-2")


@pytest.fixture
def blobs() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def store(new_store: Callable[[], SqlStore], blobs: MemoryStore) -> SqlStore:
    """Two cases of three scores each, and one whose score was withdrawn."""
    opened = new_store()
    opened.archive = Archive(blobs)
    opened.migrate()
    for minute, version in enumerate("123"):
        for case in (FIRST, SECOND):
            apply(opened, record(case, version, minute + 1))
    apply(opened, record("c-3", "1", 4))
    apply(opened, withdrawal("c-3", 5))
    return opened


def archive(store: SqlStore, days: int = 365, at_once: int = 2) -> Archived:
    return ArchiveScores(store.engine, store.archive, timedelta(days=days), lambda: NOW, at_once, max(at_once, 5))()


def texts(store: SqlStore, case: CaseId) -> list[str]:
    return [kept.body for kept in store.scores(case)]


def test_the_record_over_archive_and_rest_is_the_one_before(store: SqlStore, blobs: MemoryStore) -> None:
    before = verify_whole(store.engine, SEAL, NOW, store.archive)
    bodies, audited = texts(store, FIRST), store.audited(FIRST)
    done = archive(store)
    assert (done.entries, done.files) == (5, 3)
    assert done.size == sum(info.size for info in blobs.list(keys.ARCHIVE))
    whole, recent = (verify(store.engine, SEAL, NOW, store.archive) for verify in (verify_whole, verify_recent))
    assert (whole.intact, whole.head) == (recent.intact, recent.head) == (True, before.head)
    assert (whole.entries, recent.checkpoint) == (8, 8)
    assert (texts(store, FIRST), store.audited(FIRST)) == (bodies, audited)
    with transaction(store.engine, write=False) as tx:
        assert len(tx.execute(select(SCORES)).all()) == 2
        assert len(tx.execute(select(AUDIT)).all()) == 3
    assert archive(store) == Archived()
    MaintainArchive(store.engine, store.archive)()
    assert REGISTRY.get_sample_value("medulla_archived_entries") == done.entries
    assert REGISTRY.get_sample_value("medulla_archive_bytes") == done.size


def test_what_is_current_or_young_stays(store: SqlStore) -> None:
    assert archive(store, days=401) == Archived()
    archive(store)
    facts = store.case(FIRST)
    assert facts
    assert facts.current
    assert apply(store, record(FIRST, "1", 9))
    again = store.case(FIRST)
    assert again
    assert again.current
    assert again.current.body == record(FIRST, "1", 9).body
    assert store.verify_whole_chain().intact


def test_one_flipped_byte_and_a_lost_file_are_reported(store: SqlStore, blobs: MemoryStore) -> None:
    archive(store)
    info = next(blobs.list(keys.ARCHIVE))
    data = blobs.get(info.key)
    for place in (0, len(data) // 2, len(data) - 1):
        blobs.put(info.key, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert "was changed after it was written" in store.verify_whole_chain().problem
    blobs.delete(info.key)
    assert "is gone" in store.verify_whole_chain().problem
    blobs.put(info.key, data)
    assert store.verify_whole_chain().intact


def test_an_entry_that_was_replaced_together_with_its_digest_is_reported(store: SqlStore) -> None:
    archive(store)
    with transaction(store.engine, write=True) as tx:
        rows = list(store.archive.rows(tx))
        forged = ArchiveFile.of(rows[:1])
        before = tx.scalars(select(ARCHIVES.c.name).order_by(ARCHIVES.c.first_seq)).first()
        store.archive.put(forged)
        store.archive.note(tx, forged, KEPT, NOW)
        tx.execute(delete(ARCHIVES).where(ARCHIVES.c.name == before))
    assert "is missing" in store.verify_whole_chain().problem


def test_an_erasure_reaches_the_archive(store: SqlStore, blobs: MemoryStore) -> None:
    archive(store)
    assert store.erase(FIRST)
    held = b"".join(_text(blobs, info.key) for info in blobs.list(keys.ARCHIVE))
    assert FIRST.encode() not in held
    assert SECOND.encode() in held
    report = store.verify_whole_chain()
    assert (report.intact, report.entries) == (True, 9)
    assert [row.body for row in store.audited(sha256(FIRST.encode()))] == [None] * 4
    assert len(texts(store, SECOND)) == 3
    for version in "45":
        apply(store, record(FIRST, version, 10 + int(version)))
    archive(store, days=1)
    assert store.erase(FIRST)
    assert store.verify_whole_chain().intact


def test_an_erasure_that_a_restored_bucket_knows_and_the_database_does_not_is_made_again(
    store: SqlStore, blobs: MemoryStore
) -> None:
    archive(store, at_once=100)
    with transaction(store.engine, write=False) as tx:
        (name,) = tx.scalars(select(ARCHIVES.c.name))
        file = ArchiveFile(name, b"", tuple(store.archive.rows(tx)))
    after = file.without(FIRST, sha256(FIRST.encode()))
    blobs.put(after.key, after.data)
    blobs.put(f"{after.key.rpartition('/')[0]}/{'0' * 64}.jsonl.gz", b"altered")
    blobs.delete(key_of(name))
    assert store.erase(FIRST)
    assert store.verify_whole_chain().intact


def test_a_killed_run_changes_nothing_and_leaves_a_file_that_goes(store: SqlStore) -> None:
    killed = KilledStore()
    store.archive = Archive(killed)
    with pytest.raises(KilledError):
        archive(store)
    assert len(list(killed.list(keys.ARCHIVE))) == 1
    assert (store.verify_whole_chain().entries, len(texts(store, FIRST))) == (8, 3)
    remove_obsolete(store.engine, store.archive, NOW)
    assert len(list(killed.list(keys.ARCHIVE))) == 1
    remove_obsolete(store.engine, store.archive, NOW + timedelta(hours=2))
    assert list(killed.list(keys.ARCHIVE)) == []
    store.archive = Archive(MemoryStore())
    assert (archive(store).entries, store.verify_whole_chain().intact) == (5, True)


def test_a_case_that_is_erased_while_it_is_archived_stays_erased(store: SqlStore) -> None:
    blobs = InterruptedStore()
    store.archive = Archive(blobs)
    blobs.between = lambda: store.erase(FIRST)
    archive(store, at_once=100)
    assert store.verify_whole_chain().intact
    assert list(blobs.list(keys.ARCHIVE)) == []


@pytest.mark.parametrize("data", [None, b"altered"])
def test_an_erasure_ends_once_a_file_that_was_lost_or_altered_is_restored(
    store: SqlStore, blobs: MemoryStore, data: bytes | None
) -> None:
    archive(store)
    broken = next(blobs.list(keys.ARCHIVE)).key
    before = blobs.get(broken)
    blobs.delete(broken)
    if data:
        blobs.put(broken, data)
    markers, last = ErasedCases(blobs), CaseId("d-1")
    for case in (FIRST, last):
        markers.add(case)
    apply(store, record(last, "1", 8))
    with pytest.raises(BrokenArchiveError):
        store.erase(FIRST)
    assert (store.case(FIRST), store.scores(FIRST), store.audited(FIRST)) == (None, [], [])
    assert FIRST.encode() not in b"".join(
        _text(blobs, info.key) for info in blobs.list("archive/") if info.key != broken
    )
    sweep = SweepErasedResults(blobs, store)
    sweep()
    assert (store.case_ids(), store.unfinished_erasures()) == ([SECOND, "c-3"], [FIRST])
    blobs.put(broken, before)
    assert (store.scores(FIRST), store.audited(FIRST)) == ([], [])
    sweep()
    assert store.unfinished_erasures() == []
    assert FIRST.encode() not in b"".join(_text(blobs, info.key) for info in blobs.list(keys.ARCHIVE))
    assert store.verify_whole_chain().intact


def test_an_object_without_a_name_in_the_database_is_erased_unless_it_may_be_needed(
    store: SqlStore, blobs: MemoryStore
) -> None:
    archive(store)
    named, digest = [info.key for info in blobs.list(keys.ARCHIVE)], "0" * 64
    lost = named.pop()
    beyond, orphan = (f"archive/000000000001-{last:012d}/{digest}.jsonl.gz" for last in (9, 8))
    beside = f"{lost.rpartition('/')[0]}/{digest}.jsonl.gz"
    blobs.delete(lost)
    for key in (beyond, orphan, beside):
        blobs.put(key, b"")
    MaintainArchive(store.engine, store.archive)()
    assert blobs.head(orphan)
    MaintainArchive(store.engine, store.archive, lambda: utc_now() + timedelta(hours=2))()
    assert {info.key for info in blobs.list(keys.ARCHIVE)} == {*named, beyond, beside}


def test_an_erasure_or_a_move_during_a_verification_is_no_problem(store: SqlStore) -> None:
    blobs = InterruptedStore()
    store.archive = Archive(blobs)
    archive(store)
    blobs.between = lambda: store.erase(FIRST)
    assert store.verify_whole_chain().intact
    assert blobs.between is None


def test_two_runs_at_once_archive_every_entry_and_remove_no_file_of_the_other(store: SqlStore) -> None:
    blobs = InterruptedStore()
    store.archive = Archive(blobs)
    blobs.between = lambda: archive(store)
    archive(store)
    remove_obsolete(store.engine, store.archive, NOW + timedelta(hours=2))
    assert (store.verify_whole_chain().intact, len(list(blobs.list(keys.ARCHIVE)))) == (True, 3)
    assert [len(texts(store, case)) for case in (FIRST, SECOND)] == [3, 3]


def test_a_run_that_read_what_another_one_archived_meanwhile_leaves_its_file(store: SqlStore) -> None:
    stale = OverlappingRun(store.engine, store.archive, timedelta(days=365), lambda: NOW, 2)
    assert stale() == Archived()
    remove_obsolete(store.engine, store.archive, NOW + timedelta(hours=2))
    assert store.verify_whole_chain().intact
    assert [len(texts(store, case)) for case in (FIRST, SECOND)] == [3, 3]


class OverlappingRun(ArchiveScores):
    """A run that another one overtakes between the reading and the noting of each file."""

    def _move(self, file: ArchiveFile) -> bool:
        ArchiveScores(self.engine, self.archive, self.age, self.now, self.at_once)()
        return super()._move(file)


def test_entries_are_deleted_only_within_a_move(store: SqlStore) -> None:
    archive(store, at_once=100)
    assert [row.entry.seq for row in store.audited(FIRST)] == [1, 3, 5]
    for case in (FIRST, "c-3"):
        with pytest.raises(Exception, match="append-only"), store.engine.begin() as connection:
            connection.execute(delete(AUDIT).where(AUDIT.c.case_id == case))
    assert store.verify_whole_chain().intact


@pytest.mark.parametrize("case", [FIRST, "x-1"])
def test_no_entry_is_added_within_an_archived_range(store: SqlStore, case: str) -> None:
    archive(store, at_once=100)
    with store.engine.connect() as connection:
        row = connection.execute(select(AUDIT).where(AUDIT.c.seq == 5)).one()
    other = dict(row._mapping) | {"case_id": case, "seq": 3, "score_id": "s", "event_id": "e"}
    with pytest.raises(Exception, match="append-only"), store.engine.begin() as connection:
        connection.execute(insert(AUDIT).values(other))
    assert apply(store, record("d-1", "1", 9))


def test_only_the_file_that_the_database_names_is_read(store: SqlStore, blobs: MemoryStore) -> None:
    archive(store, at_once=100)
    with transaction(store.engine, write=False) as tx:
        rows = tuple(store.archive.rows(tx))
    (info,) = blobs.list(keys.ARCHIVE)
    forged = ArchiveFile.of([replace(rows[0], body="{}"), *rows[1:]])
    blobs.put(forged.key, forged.data)
    blobs.delete(info.key)
    with pytest.raises(BrokenArchiveError, match="is gone"):
        store.scores(FIRST)
    assert "is gone" in store.verify_whole_chain().problem
    for case in (FIRST, SECOND):
        with pytest.raises(BrokenArchiveError, match="is gone"):
            store.erase(case)


def _text(blobs: MemoryStore, key: str) -> bytes:
    return gzip.decompress(blobs.get(key))
