"""Verifies the audit record in SQL: all of it, or what was recorded since the last checkpoint."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine, select, text

from services.results import sql_audit
from services.results.audit_chain import GENESIS, ChainReport, Verified, uncovered, verify
from services.results.audit_seal import Checkpoint, Seal
from services.results.database import insert, transaction
from services.results.errors import BrokenArchiveError
from services.results.schema import AUDIT_CHECKPOINTS
from services.results.sql_archive import Archive
from shared.units import Sha256

_EVERY = 1000
"""Entries after which a request stores a new checkpoint."""


def verify_recent(engine: Engine, seal: Seal, now: datetime, archive: Archive) -> ChainReport:
    """Verify the entries since the last checkpoint that `seal` holds; all of them without one.

    What was changed before the checkpoint since then is found by `verify_whole`.
    """

    def recent() -> ChainReport:
        with transaction(engine, write=False) as tx:
            return _report(tx, archive, _last(tx, seal))

    report = _confirmed(recent)
    if report.intact and report.entries - report.checkpoint >= _EVERY:
        _keep(engine, seal.checkpoint(report.entries, report.head, now))
    return report


def verify_whole(engine: Engine, seal: Seal, now: datetime, archive: Archive) -> ChainReport:
    """Verify every entry and what it records, row by row, however long it takes; an intact record gets a checkpoint."""

    def whole() -> ChainReport:
        with transaction(engine, write=False) as tx:
            if tx.dialect.name == "postgresql":
                for timeout in ("statement_timeout", "idle_in_transaction_session_timeout"):
                    tx.execute(text(f"set local {timeout} = 0"))
            return _report(tx, archive, None)

    report = _confirmed(whole)
    if report.intact and report.entries:
        _keep(engine, seal.checkpoint(report.entries, report.head, now))
    return report


def _confirmed(verify_once: Callable[[], ChainReport]) -> ChainReport:
    """A report whose problem was there twice: an erasure or a move between two reads looks like one."""
    report = verify_once()
    return report if report.intact else verify_once()


def _last(tx: Connection, seal: Seal) -> Checkpoint | None:
    """The last checkpoint; one that `seal` does not hold counts as none."""
    row = tx.execute(select(AUDIT_CHECKPOINTS).order_by(AUDIT_CHECKPOINTS.c.entries.desc()).limit(1)).first()
    checkpoint = Checkpoint(**row._mapping) if row else None
    return checkpoint if checkpoint and seal.holds(checkpoint) else None


def _report(tx: Connection, archive: Archive, last: Checkpoint | None) -> ChainReport:
    """The report from a checkpoint on, or on all; a file of the archive that cannot be read is its problem."""
    try:
        return _since(tx, archive, last) if last else sql_audit.verify_whole(tx, archive)
    except BrokenArchiveError as error:
        return ChainReport(0, GENESIS, str(error))


def _since(tx: Connection, archive: Archive, last: Checkpoint) -> ChainReport:
    head = sql_audit.hash_at(tx, last.entries, archive)
    if head != last.head:
        problem = f"Entry {last.entries} is not the one that was verified at {last.verified_at.isoformat()}."
        return ChainReport(last.entries, head or GENESIS, problem, last.entries)

    def changed_before(case: str) -> list[str]:
        return uncovered(row for row in sql_audit.entries(tx, case, archive) if row.entry.seq <= last.entries)

    since = sql_audit.rows(tx, archive, after=last.entries)
    return verify(since, Verified(last.entries, Sha256(last.head), changed_before))


def _keep(engine: Engine, checkpoint: Checkpoint) -> None:
    with transaction(engine, write=True) as tx:
        values = {name: getattr(checkpoint, name) for name in ("entries", "head", "verified_at", "signature")}
        new = insert(tx, AUDIT_CHECKPOINTS).values(values)
        tx.execute(new.on_conflict_do_update(index_elements=["entries"], set_=values))
