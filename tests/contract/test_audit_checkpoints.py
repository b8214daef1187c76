"""The audit record is verified from signed checkpoints, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from services.results.archiving import ArchiveScores
from services.results.audit_seal import Seal
from services.results.schema import AUDIT, AUDIT_CHECKPOINTS, SCORES
from services.results.sql_archive import Archive
from services.results.sql_store import SqlStore
from services.results.sql_verify import verify_recent, verify_whole
from shared.blob.memory import MemoryStore
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.result_stores import apply, disarm, record

SEAL, NOW = Seal(b"a key that the database does not hold"), samples.at(90)


@pytest.fixture
def verified(fresh: SqlStore) -> SqlStore:
    """Three entries that were verified, and one behind them."""
    for case in "abc":
        apply(fresh, record(case, "1", 1))
    assert verify_whole(fresh.engine, SEAL, NOW, fresh.archive).entries == 3
    apply(fresh, record("d", "1", 2))
    return fresh


def test_what_came_since_the_checkpoint_of_ones_own_key_is_verified(verified: SqlStore) -> None:
    recent, other = (
        verify_recent(verified.engine, SEAL, NOW, verified.archive),
        verify_recent(verified.engine, Seal(b"other"), NOW, verified.archive),
    )
    assert (recent.intact, recent.entries, recent.checkpoint) == (True, 4, 3)
    assert (other.intact, other.entries, other.checkpoint) == (True, 4, 0)
    assert recent.head == other.head == verified.verify_chain().head


def test_a_request_finds_what_was_changed_since_and_the_walk_what_was_changed_before(verified: SqlStore) -> None:
    with verified.engine.begin() as connection:
        connection.execute(update(SCORES).where(SCORES.c.case_id == "b").values(body="{}"))
    assert verify_recent(verified.engine, SEAL, NOW, verified.archive).intact
    assert "(entry 2) was changed" in verify_whole(verified.engine, SEAL, NOW, verified.archive).problem
    with verified.engine.begin() as connection:
        connection.execute(update(SCORES).where(SCORES.c.case_id == "d").values(body="{}"))
    assert "(entry 4) was changed" in verify_recent(verified.engine, SEAL, NOW, verified.archive).problem


def test_an_erasure_behind_the_checkpoint_covers_entries_before_it(verified: SqlStore) -> None:
    apply(verified, record("b", "2", 3))
    verified.erase(CaseId("b"))
    recent = verify_recent(verified.engine, SEAL, NOW, verified.archive)
    assert (recent.intact, recent.entries, recent.checkpoint) == (True, 6, 3)
    with verified.engine.begin() as connection:
        disarm(connection)
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 6).values(score_digest="0" * 64))
    assert not verify_recent(verified.engine, SEAL, NOW, verified.archive).intact


def test_a_checkpoint_that_was_moved_or_whose_entry_was_changed_is_not_relied_on(verified: SqlStore) -> None:
    with verified.engine.begin() as connection:
        disarm(connection)
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 3).values(hash="0" * 64))
    assert "Entry 3 is not the one" in verify_recent(verified.engine, SEAL, NOW, verified.archive).problem
    with verified.engine.begin() as connection:
        connection.execute(update(AUDIT_CHECKPOINTS).values(head="0" * 64))
    moved = verify_recent(verified.engine, SEAL, NOW, verified.archive)
    assert (moved.intact, moved.checkpoint) == (False, 0)


def test_without_a_key_a_request_reads_nothing_that_was_verified_before(verified: SqlStore) -> None:
    """A file of the archive is one of those things, which are read by the walk alone."""
    without_key, blobs = Seal(), MemoryStore()
    archived = Archive(blobs)
    apply(verified, record("a", "2", 3))
    assert ArchiveScores(verified.engine, archived, timedelta(0), lambda: samples.at(90), at_once=1)().entries == 1
    assert verify_whole(verified.engine, without_key, NOW, archived).entries == 5
    (file,) = blobs.list("")
    blobs.delete(file.key)
    report = verify_recent(verified.engine, without_key, NOW, archived)
    assert (report.intact, report.entries, report.checkpoint) == (True, 5, 5)
    assert "is gone" in verify_whole(verified.engine, without_key, NOW, archived).problem


def test_a_checkpoint_of_a_time_without_key_is_not_relied_on_once_there_is_one(verified: SqlStore) -> None:
    assert verify_whole(verified.engine, Seal(), NOW, verified.archive).entries == 4
    assert verify_recent(verified.engine, SEAL, NOW, verified.archive).checkpoint == 0
