"""The audit record on SQLite and on PostgreSQL: one chain, in which every change is detected."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Update, delete, text, update
from sqlalchemy.exc import DBAPIError

from services.results.audit_chain import GENESIS
from services.results.schema import AUDIT, CASES, SCORES
from services.results.sql_store import SqlStore
from shared.canonical import sha256
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.result_stores import apply, disarm, record


def test_every_score_has_one_entry_in_an_intact_chain(fresh: SqlStore) -> None:
    kept = [record("a", "1", 1), record("b", "1", 1), record("a", "2", 3), record("a", "1", 4)]
    for fact in [*kept, *kept]:
        apply(fresh, fact)
    report = fresh.verify_chain()
    assert (report.intact, report.entries) == (True, len(kept))
    assert report.head != GENESIS


def test_the_chain_of_an_empty_store_is_intact(fresh: SqlStore) -> None:
    assert fresh.verify_chain().head == GENESIS


@pytest.mark.parametrize(
    "verb", ["update audit set score_id = 'x'", "update audit set case_id = 'x'", "delete from audit", "truncate audit"]
)
def test_the_audit_record_refuses_to_be_changed(fresh: SqlStore, verb: str) -> None:
    if verb.startswith("truncate") and fresh.engine.dialect.name == "sqlite":
        verb = "delete from audit where 1"
    apply(fresh, record("a", "1", 1))
    with pytest.raises(DBAPIError, match="audit is append-only"), fresh.engine.begin() as connection:
        connection.execute(text(verb))
    assert fresh.verify_chain().intact


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (update(AUDIT).where(AUDIT.c.seq == 2).values(score_digest="0" * 64), "Entry 2 .* was changed"),
        (update(AUDIT).where(AUDIT.c.seq == 2).values(recorded_at=samples.at(1)), "Entry 2 .* was changed"),
        (delete(AUDIT).where(AUDIT.c.seq == 2), "Entry 2 is missing"),
        (delete(AUDIT).where(AUDIT.c.seq == 3), "Score .* of case c has no entry"),
        (update(AUDIT).where(AUDIT.c.seq == 3).values(previous="0" * 64), "Entry 3 does not follow"),
        (
            update(SCORES).where(SCORES.c.case_id == "b").values(body="{}"),
            r"Score .* \(entry 2\) was changed",
        ),
    ],
)
def test_the_chain_shows_what_was_changed_behind_its_back(fresh: SqlStore, tamper: Update, problem: str) -> None:
    for case in "abc":
        apply(fresh, record(case, "1", 1))
    with fresh.engine.begin() as connection:
        disarm(connection)
        connection.execute(tamper)
    report = fresh.verify_chain()
    assert not report.intact
    assert re.search(problem, report.problem)


def test_a_score_that_was_taken_away_is_missed(fresh: SqlStore) -> None:
    apply(fresh, record("a", "1", 1))
    with fresh.engine.begin() as connection:
        connection.execute(update(CASES).values(current_score_id=None))
        connection.execute(delete(SCORES))
    assert "is gone" in fresh.verify_chain().problem


def test_an_entry_whose_case_was_taken_away_without_an_erasure_is_found(fresh: SqlStore) -> None:
    for version in "12":
        apply(fresh, record("a", version, 1))
    with fresh.engine.begin() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 2).values(case_id=sha256(b"a")))
    report = fresh.verify_chain()
    assert (report.intact, report.entries) == (False, 1)
    assert "Entry 2" in report.problem


def test_an_entry_that_was_changed_after_an_erasure_is_found(fresh: SqlStore) -> None:
    for version in "12":
        apply(fresh, record("a", version, 1))
    fresh.erase(CaseId("a"))
    assert fresh.verify_chain().intact
    with fresh.engine.begin() as connection:
        disarm(connection)
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 2).values(score_digest="0" * 64, hash="0" * 64))
    assert not fresh.verify_chain().intact


def test_writers_side_by_side_keep_one_chain_and_one_current_score(fresh: SqlStore) -> None:
    work = [record(f"c{n % 3}", str(version), version) for n in range(3) for version in range(6)] * 2
    with ThreadPoolExecutor(8) as pool:
        news = list(pool.map(lambda fact: apply(fresh, fact), work))
    assert sum(news) == 18
    report = fresh.verify_chain()
    assert (report.intact, report.entries) == (True, 18)
    for case in ("c0", "c1", "c2"):
        assert [fact.current for fact in fresh.scores(CaseId(case))] == [True, *[False] * 5]
        assert fresh.scores(CaseId(case))[0].as_of == samples.at(5)
