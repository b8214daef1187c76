"""Verifies the audit record in SQL: all of it, or some entries since the last signed checkpoint."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select, text

from services.results import sql_audit
from services.results.audit_chain import GENESIS, ChainReport, Verified, uncovered, verify
from services.results.audit_seal import Checkpoint, Seal
from services.results.database import insert, transaction
from services.results.errors import BrokenArchiveError
from services.results.schema import AUDIT, AUDIT_CHECKPOINTS
from services.results.sql_archive import Archive
from shared.units import Sha256

_EVERY = 1000
"""Entries after which a request stores a new checkpoint."""
_AT_MOST = 10_000
"""Entries that a request verifies."""


def verify_recent(
    engine: Engine, seal: Seal | None, now: datetime, archive: Archive, at_most: int = _AT_MOST
) -> ChainReport:
    """Verify the entries since the last checkpoint that `seal` has signed.

    Of more than `at_most` the oldest, where a checkpoint is stored for the next request to go on from; without a seal
    the latest. What was changed before the verified ones is found by `verify_whole`.
    """

    def recent() -> ChainReport:
        with transaction(engine, write=False) as tx:
            return _report(lambda: _recent(tx, archive, seal, at_most))

    report = _confirmed(recent)
    if seal is None or not report.intact:
        return report
    if report.unverified or report.entries - report.checkpoint >= _EVERY:
        _keep(engine, seal.checkpoint(report.entries, report.head, now))
    return _with_unverified(engine, report, archive) if report.unverified else report


def verify_whole(engine: Engine, seal: Seal | None, now: datetime, archive: Archive) -> ChainReport:
    """Verify every entry and what it records, row by row, however long it takes; an intact record gets a checkpoint."""

    def whole() -> ChainReport:
        with transaction(engine, write=False) as tx:
            if tx.dialect.name == "postgresql":
                for timeout in ("statement_timeout", "idle_in_transaction_session_timeout"):
                    tx.execute(text(f"set local {timeout} = 0"))
            return _report(lambda: sql_audit.verify_whole(tx, archive))

    report = _confirmed(whole)
    if seal and report.intact and report.entries:
        _keep(engine, seal.checkpoint(report.entries, report.head, now))
    return report


def _confirmed(verify_once: Callable[[], ChainReport]) -> ChainReport:
    """A report whose problem was there twice: an erasure or a move between two reads looks like one."""
    report = verify_once()
    return report if report.intact else verify_once()


def _last(tx: Connection, seal: Seal | None) -> Checkpoint | None:
    """The last checkpoint that `seal` has signed."""
    if seal is None:
        return None
    rows = tx.execute(select(AUDIT_CHECKPOINTS).order_by(AUDIT_CHECKPOINTS.c.entries.desc()))
    return next(filter(seal.signed, (Checkpoint(**row._mapping) for row in rows)), None)


def _report(verified: Callable[[], ChainReport]) -> ChainReport:
    """A report; a file of the archive that cannot be read is its problem."""
    try:
        return verified()
    except BrokenArchiveError as error:
        return ChainReport(0, GENESIS, str(error))


def _recent(tx: Connection, archive: Archive, seal: Seal | None, at_most: int) -> ChainReport:
    """The report on the entries since the checkpoint; of many on the oldest with a seal, on the latest without."""
    last = _last(tx, seal)
    done, newest = last.entries if last else 0, tx.scalar(select(func.max(AUDIT.c.seq))) or 0
    if last and (head := sql_audit.hash_at(tx, done, archive)) != last.head:
        problem = f"Entry {done} is not the one that was verified at {last.verified_at.isoformat()}."
        return ChainReport(done, head or GENESIS, problem, done)
    if newest - done <= at_most:
        return _since(tx, archive, done, last.head) if last else sql_audit.verify_whole(tx, archive)
    if seal is None:
        return _latest(tx, archive, newest - at_most)
    report = _since(tx, archive, done, last.head if last else GENESIS, at_most)
    return replace(report, unverified=newest - report.entries) if report.intact else report


def _latest(tx: Connection, archive: Archive, first: int) -> ChainReport:
    """The report on the entries behind `first`, which itself is not verified."""
    if (head := sql_audit.hash_at(tx, first, archive)) is None:
        return ChainReport(first, GENESIS, f"Entry {first} is missing.", unverified=first)
    return replace(_since(tx, archive, first, head), checkpoint=0, unverified=first)


def _with_unverified(engine: Engine, report: ChainReport, archive: Archive) -> ChainReport:
    """A report on the oldest entries as one on the record with the others, which were not verified."""
    entries = report.entries + report.unverified
    with transaction(engine, write=False) as tx:
        return replace(report, entries=entries, head=sql_audit.hash_at(tx, entries, archive) or GENESIS)


def _since(tx: Connection, archive: Archive, entries: int, head: str, at_most: int | None = None) -> ChainReport:
    """The report on what came behind the first entries, whose last one has the hash `head`."""

    def changed_before(case: str) -> list[str]:
        return uncovered(row for row in sql_audit.entries(tx, case, archive) if row.entry.seq <= entries)

    def covered_later(case: str) -> bool:
        return at_most is not None and not uncovered(sql_audit.entries(tx, case, archive))

    rows = sql_audit.rows(tx, archive, entries, at_most)
    return verify(rows, Verified(entries, Sha256(head), changed_before), covered_later)


def _keep(engine: Engine, checkpoint: Checkpoint) -> None:
    with transaction(engine, write=True) as tx:
        values = {name: getattr(checkpoint, name) for name in ("entries", "head", "verified_at", "signature")}
        new = insert(tx, AUDIT_CHECKPOINTS).values(values)
        tx.execute(new.on_conflict_do_update(index_elements=["entries"], set_=values))
