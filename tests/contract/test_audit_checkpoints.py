"""The audit record is verified from signed checkpoints, on SQLite and on PostgreSQL."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

import services.results.__main__ as results
from services.results.audit_chain import ChainReport
from services.results.audit_seal import Seal
from services.results.schema import AUDIT, AUDIT_CHECKPOINTS, SCORES
from services.results.settings import ResultsSettings
from services.results.sql_store import SqlStore
from services.results.sql_verify import verify_recent, verify_whole
from shared.canonical import sha256
from shared.settings import SECRETS_DIR, load
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


def test_a_request_verifies_no_more_than_the_latest_entries_and_says_so(fresh: SqlStore) -> None:
    for case in "abcdef":
        apply(fresh, record(case, "1", 1))

    def recent(seal: Seal | None, at_most: int) -> ChainReport:
        return verify_recent(fresh.engine, seal, NOW, fresh.archive, at_most)

    latest = recent(None, 2)
    assert (latest.intact, latest.entries, latest.checkpoint, latest.unverified) == (True, 6, 0, 4)
    assert recent(None, 6).unverified == 0
    with fresh.engine.begin() as connection:
        connection.execute(update(SCORES).where(SCORES.c.case_id == "b").values(body="{}"))
    assert recent(None, 4).intact
    assert "(entry 2) was changed" in recent(None, 5).problem
    with fresh.engine.begin() as connection:
        connection.execute(update(SCORES).where(SCORES.c.case_id == "e").values(body="{}"))
    assert "(entry 5) was changed" in recent(None, 2).problem


@pytest.mark.parametrize(("seal", "checkpoints"), [(SEAL, [3, 5, 7]), (Seal(b"another"), [0, 2, 4, 6])])
def test_each_request_goes_on_with_the_oldest_of_many_entries_behind_the_checkpoint(
    verified: SqlStore, seal: Seal, checkpoints: list[int]
) -> None:
    for case in "efgh":
        apply(verified, record(case, "1", 3))
    head = verified.verify_chain().head
    reports = [verify_recent(verified.engine, seal, NOW, verified.archive, 2) for _ in checkpoints]
    assert [report.checkpoint for report in reports] == checkpoints
    assert [report.unverified for report in reports] == [max(6 - each, 0) for each in checkpoints]
    assert {(report.intact, report.entries, report.head) for report in reports} == {(True, 8, head)}


def test_a_request_that_finds_a_change_among_many_entries_stores_no_checkpoint(fresh: SqlStore) -> None:
    for case in "abcd":
        apply(fresh, record(case, "1", 1))
    with fresh.engine.begin() as connection:
        connection.execute(update(SCORES).where(SCORES.c.case_id == "c").values(body="{}"))
    for checkpoint in (0, 2, 2):
        report = verify_recent(fresh.engine, SEAL, NOW, fresh.archive, 2)
        assert (report.checkpoint, "(entry 3) was changed" in report.problem) == (checkpoint, checkpoint == 2)


def test_a_later_erasure_covers_the_oldest_entries_and_is_verified_in_its_turn(fresh: SqlStore) -> None:
    for case in "abc":
        apply(fresh, record(case, "1", 1))
    fresh.erase(CaseId("a"))
    reports = [verify_recent(fresh.engine, SEAL, NOW, fresh.archive, 1) for _ in range(4)]
    assert [(report.intact, report.unverified) for report in reports] == [(True, 3), (True, 2), (True, 1), (True, 0)]


def test_an_entry_that_was_added_to_those_of_an_erased_case_shows_at_the_erasure(fresh: SqlStore) -> None:
    for case in "abc":
        apply(fresh, record(case, "1", 1))
    fresh.erase(CaseId("a"))
    with fresh.engine.begin() as connection:
        disarm(connection)
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 2).values(case_id=sha256(b"a")))
    reports = [verify_recent(fresh.engine, SEAL, NOW, fresh.archive, 1) for _ in range(4)]
    assert [report.problem[:7] for report in reports] == ["", "", "", "Entry 4"]


def test_a_changed_entry_that_no_erasure_covers_shows_among_many(fresh: SqlStore) -> None:
    for case in "abc":
        apply(fresh, record(case, "1", 1))
    with fresh.engine.begin() as connection:
        disarm(connection)
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 1).values(event_id="x"))
    assert "Entry 1 (case a) was changed" in verify_recent(fresh.engine, SEAL, NOW, fresh.archive, 1).problem


def test_an_erasure_within_the_latest_entries_covers_those_before_them(fresh: SqlStore) -> None:
    for case in "abc":
        apply(fresh, record(case, "1", 1))
    fresh.erase(CaseId("a"))
    assert verify_recent(fresh.engine, None, NOW, fresh.archive, 2).intact


def test_checkpoints_are_signed_with_the_key_that_is_mounted_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mounted := tmp_path / "secrets").mkdir()
    monkeypatch.setenv(SECRETS_DIR, str(mounted))
    (mounted / "RESULTS_DATABASE_URL").write_text(f"sqlite:///{tmp_path / 'results.db'}")
    with closing(results._store(load(ResultsSettings))) as store:
        store.migrate()
        apply(store, record("a", "1", 1))
        assert (store.verify_whole_chain().intact, store.verify_chain().checkpoint) == (True, 0)
        for key in ("first", "second"):
            (mounted / "RESULTS_AUDIT_KEY").write_text(key)
            before = store.verify_chain().checkpoint
            store.verify_whole_chain()
            assert (before, store.verify_chain().checkpoint) == (0, 1)
    with closing(results._store(load(ResultsSettings))) as store:
        (mounted / "RESULTS_AUDIT_KEY").unlink()
        assert store.verify_chain().checkpoint == 1
