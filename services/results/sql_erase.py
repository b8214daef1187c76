"""Erases a case in SQL: deletes its rows, reduces its audit entries to digests, and adds an entry that covers them."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete

from services.results import sql_audit, sql_views
from services.results.audit_chain import covering, uncovered
from services.results.errors import BrokenArchiveError
from services.results.ports import Erasure
from services.results.schema import CASE_LABELS, CASES, NOTES, PROGRESS, REJECTIONS, SCORES
from services.results.sql_archive import Archive
from shared.canonical import digest_of, sha256
from shared.units import CaseId

_TABLES = (CASES, CASE_LABELS, SCORES, REJECTIONS, PROGRESS, NOTES)
"""Cases first, since each refers to one of its scores."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did."""

    was_stored: bool
    """Whether anything of the case was stored."""
    broken: Sequence[BrokenArchiveError] = ()
    """Of files of the archive that cannot be read; the erasure is to be repeated once they can."""


def erase(tx: Connection, case: CaseId, why: str, at: datetime, archive: Archive) -> Erased:
    """Erase a case; the entry `why`, which covers its entries, is added once every file of the archive can be read."""
    sql_audit.lock(tx)
    removed = [tx.execute(delete(table).where(table.c.case_id == case)).rowcount for table in _TABLES]
    name = sha256(case.encode())
    sql_views.strip(tx, case, name)
    if broken := sql_audit.strip(tx, case, name, archive):
        return Erased(True, broken)
    entries = sql_audit.entries(tx, name, archive)
    hashes = uncovered(entries)
    if not hashes and not any(removed):
        return Erased(False)
    event = digest_of([name, len(entries), *hashes])
    sql_audit.append(tx, Erasure(name, covering(hashes), at, event), why, at)
    return Erased(True)


def settle(engine: Engine) -> None:
    """Remove deleted rows from SQLite's write-ahead log too; PostgreSQL's autovacuum does that later."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
