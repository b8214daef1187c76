"""Results in PostgreSQL or SQLite, through SQLAlchemy Core: writes, and the port."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from medulla.v1.events_pb2 import Progress, SlideRejected
from medulla.v1.results_pb2 import CaseSummary
from sqlalchemy import Connection, Engine, case, delete, or_, select, tuple_, update

from services.results import (
    archiving,
    audit_chain,
    migrate,
    sql_answered,
    sql_archive,
    sql_audit,
    sql_counts,
    sql_erase,
    sql_list,
    sql_looker,
    sql_notes,
    sql_reads,
    sql_retention,
    sql_scores,
    sql_summary,
    sql_verify,
)
from services.results.audit_seal import Seal
from services.results.case_list import Counts, Order, PageMark, Selection
from services.results.database import connect, insert, transaction, wrote
from services.results.errors import OldSchemaError
from services.results.ports import Activity, CaseFacts, KeptScore, NoteMark, NoteRecord, ScoreRecord, Withdrawal
from services.results.schema import CASES, PROGRESS, REJECTIONS, SCORES
from services.results.sql_archive import Archive
from shared.blob.port import BlobStore
from shared.times import utc_now, when
from shared.units import CaseId, Sha256, SlideId

_CLOCKS_DIFFER = timedelta(seconds=5)
"""By how much the clock of a service that tells of progress may be ahead of ours."""

_LATEST_ENTRIES = 1000
"""Audit entries in which erasures are looked for: many more than are written between two looks."""


class SqlStore:
    """The ResultStore on SQL; `now` is the clock of the audit record, `seal` gives what signs its checkpoints.

    `renew` gives the URL whose user and password open each new connection to PostgreSQL; `blobs` has the archive.
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], datetime] = utc_now,
        seal: Callable[[], Seal | None] = lambda: None,
        renew: Callable[[], str] | None = None,
        blobs: BlobStore | None = None,
    ) -> None:
        self.engine: Engine = connect(url, renew)
        self._now = now
        self._seal = seal
        self.archive = Archive(blobs)

    def migrate(self) -> None:
        """Migrate the database to the newest schema, and derive what older programs did not store."""
        migrate.upgrade(self.engine)
        self.refresh_summaries()

    def check(self) -> None:
        """Return when the database answers and its schema is new enough.

        Raises:
            OldSchemaError: migrations have to run first.
        """
        if migrate.missing(self.engine):
            raise OldSchemaError("the database's tables are missing or old; run `python -m services.results migrate`")

    def ready(self) -> bool:
        """True, or raises as `check` does."""
        self.check()
        return True

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def record_score(self, record: ScoreRecord) -> bool:
        """See ResultStore; one transaction, one writer of the audit record at a time."""
        with transaction(self.engine, write=True) as tx:
            sql_audit.lock(tx)
            if sql_audit.holds(tx, record):
                sql_scores.check_same_text(tx, record)
                return False
            before = sql_reads.current_body(tx, record.case_id)
            sql_scores.keep(tx, record)
            _touch_case(tx, record.case_id, record.changed_at)
            current = _conclude(tx, record.case_id, self._now())
            sql_summary.refresh(tx, record.case_id)
            is_current = current == record.score_id
            why = audit_chain.no_longer_from(before, record.body) if before and is_current else None
            sql_audit.append(tx, record, why, self._now())
        return True

    def record_withdrawal(self, withdrawal: Withdrawal) -> bool:
        """See ResultStore; one transaction, as for a score."""
        with transaction(self.engine, write=True) as tx:
            sql_audit.lock(tx)
            if sql_audit.holds(tx, withdrawal):
                return False
            _touch_case(tx, withdrawal.case_id, withdrawal.as_of)
            sql_scores.keep_withdrawal(tx, withdrawal)
            _conclude(tx, withdrawal.case_id, self._now())
            sql_summary.refresh(tx, withdrawal.case_id)
            sql_audit.append(tx, withdrawal, withdrawal.sentence, self._now())
        return True

    def record_rejection(self, rejection: SlideRejected) -> bool:
        """See ResultStore."""
        with transaction(self.engine, write=True) as tx:
            values = sql_reads.rejection_values(rejection)
            new = wrote(tx, insert(tx, REJECTIONS).values(values).on_conflict_do_nothing())
            if new and rejection.case_id:
                _touch_case(tx, CaseId(rejection.case_id), values["as_of"])
                sql_summary.refresh(tx, CaseId(rejection.case_id))
        return new

    def forget_rejection(self, rejection: SlideRejected) -> None:
        """See ResultStore."""
        with transaction(self.engine, write=True) as tx:
            if tx.execute(delete(REJECTIONS).where(REJECTIONS.c.event_id == rejection.event_id)).rowcount:
                _bump_case(tx, CaseId(rejection.case_id))

    def is_idle(self, case_id: CaseId, since: datetime) -> bool:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_retention.is_idle(tx, case_id, since)

    def erase(self, case_id: CaseId, why: str = audit_chain.ERASED) -> bool:
        """See ResultStore; one transaction."""
        with transaction(self.engine, write=True) as tx:
            erased = sql_erase.erase(tx, case_id, why, self._now(), self.archive)
        archiving.remove_obsolete(self.engine, self.archive, self._now())
        sql_erase.settle(self.engine)
        if erased.broken:
            raise erased.broken[0]
        return erased.was_stored

    def unfinished_erasures(self) -> Sequence[CaseId]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_archive.unfinished_erasures(tx)

    def record_progress(self, progress: Progress, trace_id: str = "") -> bool:
        """See ResultStore."""
        with transaction(self.engine, write=True) as tx:
            new = _keep_progress(tx, sql_reads.progress_values(progress, trace_id))
            if new:
                _touch_progressing(tx, CaseId(progress.case_id), when(progress.at))
        return new

    def forget_progress(self, case_id: CaseId, slide_id: SlideId) -> None:
        """See ResultStore."""
        with transaction(self.engine, write=True) as tx:
            of_slide = PROGRESS.c.case_id == case_id, PROGRESS.c.slide_id == slide_id
            if tx.execute(delete(PROGRESS).where(*of_slide)).rowcount:
                _bump_case(tx, case_id)

    def page(
        self, chosen: Selection, order: Order, limit: int, after: PageMark | None = None
    ) -> list[tuple[PageMark, CaseSummary]]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_list.page(tx, chosen, order, limit, after)

    def counts(self, chosen: Selection) -> Counts:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_counts.counts(tx, chosen)

    def refresh_summaries(self) -> None:
        """See ResultStore; one transaction for a number of cases."""
        refreshed = 1
        while refreshed:
            with transaction(self.engine, write=True) as tx:
                refreshed = sql_summary.refresh_stale(tx)
                sql_counts.sum_up(tx)

    def case(self, case_id: CaseId) -> CaseFacts | None:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_reads.case(tx, case_id)

    def case_ids(self) -> list[CaseId]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_reads.case_ids(tx)

    def answered(self, cases: Collection[CaseId]) -> Mapping[CaseId, Sha256]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_answered.answered(tx, cases)

    def note_answered(self, listings: Mapping[CaseId, Sha256]) -> None:
        """See ResultStore."""
        with transaction(self.engine, write=True) as tx:
            sql_answered.note_answered(tx, listings)

    def look_alone(self) -> AbstractContextManager[bool]:
        """See ResultStore."""
        return sql_looker.alone(self.engine)

    def refused(self, limit: int) -> list[SlideRejected]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_reads.refused(tx, limit)

    def scores(self, case_id: CaseId) -> list[KeptScore]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_reads.scores(tx, case_id, self.archive)

    def record_note(self, note: NoteRecord) -> bool:
        """See ResultStore; one transaction, as for a score."""
        with transaction(self.engine, write=True) as tx:
            sql_audit.lock(tx)
            if not sql_notes.insert_note(tx, note):
                return False
            sql_audit.append(tx, note, sql_notes.NOTED, self._now())
        return True

    def notes(self, case_id: CaseId) -> list[str]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_notes.of_case(tx, case_id)

    def all_notes(self, limit: int, after: NoteMark | None = None) -> list[str]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_notes.page(tx, limit, after)

    def audited(self, case_id: str) -> list[audit_chain.AuditRow]:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return sql_audit.entries(tx, case_id, self.archive)

    def activity(self, since: datetime, watched: Collection[str] = ()) -> Activity:
        """See ResultStore."""
        with transaction(self.engine, write=False) as tx:
            return replace(sql_reads.activity(tx, since, watched), erased=sql_audit.erasures(tx, _LATEST_ENTRIES))

    def verify_chain(self) -> audit_chain.ChainReport:
        """See ResultStore."""
        return sql_verify.verify_recent(self.engine, self._seal(), self._now(), self.archive)

    def verify_whole_chain(self) -> audit_chain.ChainReport:
        """Verify the audit record from its first entry, however long it takes, and store a checkpoint."""
        return sql_verify.verify_whole(self.engine, self._seal(), self._now(), self.archive)


def _touch_case(tx: Connection, case_id: CaseId, at: datetime, increment: int = 1) -> None:
    new = insert(tx, CASES).values(case_id=case_id, updated_at=at, revision=1)
    later = case((CASES.c.updated_at < new.excluded.updated_at, new.excluded.updated_at), else_=CASES.c.updated_at)
    changed = {"updated_at": later, "revision": CASES.c.revision + increment}
    tx.execute(new.on_conflict_do_update(index_elements=["case_id"], set_=changed))


def _touch_progressing(tx: Connection, case_id: CaseId, at: datetime) -> None:
    """Progress changes the summary of a case only while it has no score, whose reading takes milliseconds."""
    _touch_case(tx, case_id, at, increment=0)
    if sql_reads.current_body(tx, case_id) is None:
        sql_summary.refresh(tx, case_id)


def _bump_case(tx: Connection, case_id: CaseId) -> None:
    tx.execute(update(CASES).where(CASES.c.case_id == case_id).values(revision=CASES.c.revision + 1))
    sql_summary.refresh(tx, case_id)


def _conclude(tx: Connection, case_id: CaseId, now: datetime) -> Sha256 | None:
    """Point at the newest score, and end the progress until now; the score's id, None while the case is withdrawn."""
    counts = or_(CASES.c.withdrawn_revision.is_(None), SCORES.c.revision > CASES.c.withdrawn_revision)
    newest = select(SCORES.c.score_id).where(SCORES.c.case_id == case_id, counts).order_by(*sql_reads.NEWEST_SCORE)
    latest = newest.limit(1).correlate(CASES).scalar_subquery()
    values = {"current_score_id": latest, "concluded_at": now + _CLOCKS_DIFFER}
    changed = update(CASES).where(CASES.c.case_id == case_id).values(values)
    current: Sha256 | None = tx.scalar(changed.returning(CASES.c.current_score_id))
    return current


def _keep_progress(tx: Connection, values: Mapping[str, Any]) -> bool:
    new = insert(tx, PROGRESS).values(values)
    order = ("at", "stage", "done", "event_id")
    later = tuple_(*(new.excluded[name] for name in order)) > tuple_(*(PROGRESS.c[name] for name in order))
    changed = {name: new.excluded[name] for name in (*order, "total", "trace_id")}
    newest = new.on_conflict_do_update(index_elements=["case_id", "slide_id"], set_=changed, where=later)
    return wrote(tx, newest)
