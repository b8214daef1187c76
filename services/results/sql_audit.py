"""The audit record in SQL: appends entries, one writer at a time, and reads them in order."""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, select, tuple_, update

from services.results.audit_chain import ERASURES, GENESIS, AuditEntry, AuditRow, ChainReport
from services.results.audit_chain import verify as verify_rows
from services.results.database import insert
from services.results.errors import BrokenArchiveError
from services.results.ports import Erasure, NoteRecord, ScoreRecord, Withdrawal
from services.results.schema import AUDIT, NOTES, SCORES
from services.results.sql_archive import Archive
from shared.canonical import digest_of, sha256
from shared.units import CaseId, Sha256

_LOCK = 0x6D65_6475_6C6C_61
"""A number that no other program uses: "medulla" in ASCII."""
_AT_ONCE = 500


def lock(tx: Connection) -> None:
    """Wait until no other transaction writes scores; SQLite allows one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def holds(tx: Connection, record: ScoreRecord | Withdrawal) -> bool:
    """Whether this score or withdrawal was recorded for this event before."""
    score_id, _ = _named(record)
    names = record.event_id, _event_id(tx, record)
    same = AUDIT.c.case_id == record.case_id, AUDIT.c.score_id == score_id, AUDIT.c.event_id.in_(names)
    return bool(tx.scalar(select(exists().where(*same))))


def append(
    tx: Connection, record: ScoreRecord | Withdrawal | Erasure | NoteRecord, why: str | None, recorded_at: datetime
) -> None:
    """Append an entry."""
    score_id, digest = _named(record)
    last = tx.execute(select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    entry = AuditEntry(
        seq=seq + 1,
        case_id=record.case_id,
        score_id=score_id,
        score_digest=digest,
        as_of=record.as_of,
        event_id=_event_id(tx, record),
        recorded_at=recorded_at,
        previous=previous,
        why=why,
    )
    tx.execute(insert(tx, AUDIT).values(_values(entry)))


def verify_whole(tx: Connection, archive: Archive) -> ChainReport:
    """Verify the whole record, then look for scores and notes without an entry."""
    report = verify_rows(rows(tx, archive))
    if not report.intact:
        return report
    return ChainReport(report.entries, report.head, _unrecorded(tx))


def entries(tx: Connection, case_id: str, archive: Archive) -> list[AuditRow]:
    """See ResultStore.audited."""
    recent = [_row(row) for row in tx.execute(_entries().where(AUDIT.c.case_id == case_id))]
    return sorted([*archive.of_case(tx, case_id), *recent], key=_seq)


def of_scores(tx: Connection, pairs: Sequence[tuple[str, str]]) -> list[AuditRow]:
    """The entries of scores in the database, each named by its case and its id; in their order."""
    named = tuple_(AUDIT.c.case_id, AUDIT.c.score_id).in_(pairs)
    return [_row(row) for row in tx.execute(_entries().where(named))]


def erasures(tx: Connection, limit: int) -> dict[str, int]:
    """Digests of the ids of the cases that were erased within the latest entries, and the last such entry of each."""
    latest = select(AUDIT.c.case_id, AUDIT.c.seq, AUDIT.c.why).order_by(AUDIT.c.seq.desc()).limit(limit).subquery()
    erased = select(latest.c.case_id, func.max(latest.c.seq).label("seq")).where(latest.c.why.in_(ERASURES))
    return {row.case_id: row.seq for row in tx.execute(erased.group_by(latest.c.case_id))}


def strip(tx: Connection, case: CaseId, name: Sha256, archive: Archive) -> list[BrokenArchiveError]:
    """Replace a case's id by `name`; returns the errors of files of the archive that cannot be read."""
    tx.execute(update(AUDIT).where(AUDIT.c.case_id == case).values(case_id=name))
    return archive.strip(tx, case, name)


def hash_at(tx: Connection, seq: int, archive: Archive) -> str | None:
    """Hash of an entry; None where there is none."""
    return tx.scalar(select(AUDIT.c.hash).where(AUDIT.c.seq == seq)) or archive.hash_at(tx, seq)


def _event_id(tx: Connection, record: ScoreRecord | Withdrawal | Erasure | NoteRecord) -> str:
    """The id of the entry's event; another one after erasures of the case, whose entries keep the id under its digest.

    Notes are joined by their ids, which are drawn at random, and erasures have ids of their own.
    """
    if isinstance(record, Erasure | NoteRecord):
        return record.event_id
    name = sha256(record.case_id.encode())
    erased = tx.scalar(select(func.count()).where(AUDIT.c.case_id == name, AUDIT.c.why.in_(ERASURES)))
    return digest_of([record.event_id, erased]) if erased else record.event_id


def _named(record: ScoreRecord | Withdrawal | Erasure | NoteRecord) -> tuple[str, str]:
    """The score's id and digest; a withdrawal has neither, an erasure and a note only a digest."""
    score_id = record.score_id if isinstance(record, ScoreRecord) else ""
    return score_id, "" if isinstance(record, Withdrawal) else record.digest


def _values(entry: AuditEntry) -> dict[str, Any]:
    names = (column.name for column in AUDIT.c if column.name != "hash")
    return {name: getattr(entry, name) for name in names} | {"hash": entry.hash()}


def rows(tx: Connection, archive: Archive, after: int = 0, at_most: int | None = None) -> Iterator[AuditRow]:
    """The entries behind the entry `after`, in order; a number of them is in memory at a time."""
    return islice(heapq.merge(_recent(tx, after, at_most), archive.rows(tx, after), key=_seq), at_most)


def _recent(tx: Connection, after: int, at_most: int | None) -> Iterator[AuditRow]:
    """Those in the database."""
    for row in tx.execute(
        _entries().where(AUDIT.c.seq > after).limit(at_most), execution_options={"yield_per": _AT_ONCE}
    ):
        yield _row(row)


def _seq(row: AuditRow) -> int:
    return row.entry.seq


def _entries() -> Select[Any]:
    """Entries with the text of their score or note."""
    same_score = (SCORES.c.case_id == AUDIT.c.case_id) & (SCORES.c.score_id == AUDIT.c.score_id)
    same_note = (NOTES.c.case_id == AUDIT.c.case_id) & (NOTES.c.note_id == AUDIT.c.event_id)
    body = func.coalesce(SCORES.c.body, NOTES.c.body).label("body")
    joined = AUDIT.outerjoin(SCORES, same_score).outerjoin(NOTES, same_note)
    return select(AUDIT, body, SCORES.c.site_id).select_from(joined).order_by(AUDIT.c.seq)


def _row(row: Row[Any]) -> AuditRow:
    fields = dict(row._mapping)
    body, kept_hash, site = fields.pop("body"), fields.pop("hash"), fields.pop("site_id")
    return AuditRow(AuditEntry(**fields), kept_hash, body, site)


def _unrecorded(tx: Connection) -> str:
    recorded = exists().where(AUDIT.c.case_id == SCORES.c.case_id, AUDIT.c.score_id == SCORES.c.score_id)
    row = tx.execute(select(SCORES.c.case_id, SCORES.c.score_id).where(~recorded).limit(1)).first()
    if row:
        return f"Score {row.score_id} of case {row.case_id} has no entry."
    noted = exists().where(AUDIT.c.case_id == NOTES.c.case_id, AUDIT.c.event_id == NOTES.c.note_id)
    note = tx.execute(select(NOTES.c.case_id, NOTES.c.note_id).where(~noted).limit(1)).first()
    return f"Note {note.note_id} of case {note.case_id} has no entry." if note else ""
