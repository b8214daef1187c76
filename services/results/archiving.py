"""Moves superseded scores and their audit entries from the database into the archive, a file at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Select, delete, exists, func, select, tuple_
from sqlalchemy.orm import aliased

from services.results import sql_audit
from services.results.archive_file import ArchiveFile
from services.results.audit_chain import AuditRow
from services.results.database import insert, transaction
from services.results.schema import ARCHIVED_CASES, AUDIT, CASES, SCORES
from services.results.sql_archive import KEPT, MOVING, REPLACED, WRITING, Archive
from shared.times import utc_now

ENTRIES = 1000
"""Audit entries of a file, which is what a transaction deletes and a reader of one case reads."""
WINDOW = 50_000
"""Entries that a query looks at, which keeps it far below the database's limit of 15 s."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What a run moved."""

    entries: int = 0
    files: int = 0
    size: int = 0
    """Bytes in the bucket."""


@dataclass(frozen=True)
class ArchiveScores:
    """Archives scores that are not current, once each of their entries was recorded longer ago than `age`.

    A run that is killed leaves files without effect, which `Archive.obsolete` names, and the next one goes on.
    """

    engine: Engine
    archive: Archive
    age: timedelta
    now: Callable[[], datetime] = utc_now
    at_once: int = ENTRIES
    window: int = WINDOW

    def __call__(self) -> Archived:
        """Archive all that is old enough.

        Raises:
            TransientError: the database or the bucket is down.
        """
        done, after = Archived(), 0
        with transaction(self.engine, write=False) as tx:
            until = _until(tx, self.now() - self.age)
        while batch := self._batch(after, until):
            rows, after = batch
            file = ArchiveFile.of(rows)
            if self._move(file):
                done = Archived(done.entries + len(rows), done.files + 1, done.size + len(file.data))
        return done

    def _batch(self, after: int, until: int) -> tuple[list[AuditRow], int] | None:
        """Entries of a file, and up to which entry scores were looked for; None where there are no more."""
        for start in range(after, until, self.window):
            with transaction(self.engine, write=False) as tx:
                superseded = _superseded(start, min(start + self.window, until), until)
                if listed := tx.execute(superseded.limit(self.at_once)).all():
                    pairs = sorted({(row.case_id, row.score_id) for row in listed})
                    return sql_audit.of_scores(tx, pairs), listed[-1].seq
        return None

    def _move(self, file: ArchiveFile) -> bool:
        """Store a file and delete its rows; where they changed meanwhile, remove the file instead and return False."""
        with transaction(self.engine, write=True) as tx:
            if not self.archive.note(tx, file, WRITING, self.now()):
                return False
        self.archive.put(file)
        with transaction(self.engine, write=True) as tx:
            sql_audit.lock(tx)
            if is_kept := _is_unchanged(tx, file.rows) and self.archive.move(tx, file, WRITING, MOVING):
                _delete(tx, file)
                self.archive.move(tx, file, MOVING, KEPT)
            else:
                self.archive.note(tx, file, REPLACED, self.now())
        if not is_kept:
            with transaction(self.engine, write=True) as tx:
                self.archive.remove(tx, file.name)
        return is_kept


def _until(tx: Connection, before: datetime) -> int:
    """The last entry recorded before a moment; never the last of all, which the next one is chained to."""
    older = select(AUDIT.c.seq).where(AUDIT.c.recorded_at < before).order_by(AUDIT.c.seq.desc()).limit(1)
    last = tx.scalar(select(func.max(AUDIT.c.seq))) or 0
    return min(tx.scalar(older) or 0, last - 1)


def _superseded(after: int, end: int, until: int) -> Select[tuple[str, str, int]]:
    """Case and score of entries in (after, end] of scores that are not current; none of them behind `until`."""
    later = aliased(AUDIT)
    is_later = later.c.case_id == AUDIT.c.case_id, later.c.score_id == AUDIT.c.score_id, later.c.seq > until
    joined = AUDIT.join(CASES, CASES.c.case_id == AUDIT.c.case_id)
    query = select(AUDIT.c.case_id, AUDIT.c.score_id, AUDIT.c.seq).select_from(joined).order_by(AUDIT.c.seq)
    own = AUDIT.c.score_id != "", AUDIT.c.score_id.is_distinct_from(CASES.c.current_score_id)
    return query.where(AUDIT.c.seq > after, AUDIT.c.seq <= end, *own, ~exists().where(*is_later))


def _is_unchanged(tx: Connection, rows: Sequence[AuditRow]) -> bool:
    """Whether the scores of a file still have these entries, and are still not current."""
    pairs = sorted({(row.entry.case_id, row.entry.score_id) for row in rows})
    current = tuple_(CASES.c.case_id, CASES.c.current_score_id).in_(pairs)
    return sql_audit.of_scores(tx, pairs) == rows and not tx.scalar(select(exists().where(current)))


def _delete(tx: Connection, file: ArchiveFile) -> None:
    cases = sorted({row.entry.case_id for row in file.rows})
    pairs = sorted({(row.entry.case_id, row.entry.score_id) for row in file.rows})
    tx.execute(insert(tx, ARCHIVED_CASES).values([{"case_id": case, "archive": file.name} for case in cases]))
    tx.execute(delete(AUDIT).where(AUDIT.c.seq.in_([row.entry.seq for row in file.rows])))
    tx.execute(delete(SCORES).where(tuple_(SCORES.c.case_id, SCORES.c.score_id).in_(pairs)))


def remove_obsolete(engine: Engine, archive: Archive, now: datetime) -> None:
    """Remove files that an erasure replaced or a killed job left."""
    with transaction(engine, write=False) as tx:
        obsolete = archive.obsolete(tx, now)
    for name in obsolete:
        with transaction(engine, write=True) as tx:
            archive.remove(tx, name)
