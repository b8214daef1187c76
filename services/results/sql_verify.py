"""Verifies the audit record in SQL: all of it, or the latest entries since the last signed checkpoint."""

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
    """Verify the entries since the last checkpoint that `seal` has signed, and of more than `at_most` the latest.

    What was changed before these is found by `verify_whole`.
    """

    def recent() -> ChainReport:
        with transaction(engine, write=False) as tx:
            return _report(lambda: _latest(tx, archive, _last(tx, seal), at_most))

    report = _confirmed(recent)
    if seal and report.intact and not report.unverified and report.entries - report.checkpoint >= _EVERY:
        _keep(engine, seal.checkpoint(report.entries, report.head, now))
    return report


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
    """The last checkpoint; one that is not signed by `seal` counts as none."""
    if seal is None:
        return None
    row = tx.execute(select(AUDIT_CHECKPOINTS).order_by(AUDIT_CHECKPOINTS.c.entries.desc()).limit(1)).first()
    checkpoint = Checkpoint(**row._mapping) if row else None
    return checkpoint if checkpoint and seal.signed(checkpoint) else None


def _report(verified: Callable[[], ChainReport]) -> ChainReport:
    """A report; a file of the archive that cannot be read is its problem."""
    try:
        return verified()
    except BrokenArchiveError as error:
        return ChainReport(0, GENESIS, str(error))


def _latest(tx: Connection, archive: Archive, last: Checkpoint | None, at_most: int) -> ChainReport:
    """The report on the entries since the checkpoint, or on the latest of them."""
    done, first = last.entries if last else 0, (tx.scalar(select(func.max(AUDIT.c.seq))) or 0) - at_most
    if last and (head := sql_audit.hash_at(tx, done, archive)) != last.head:
        problem = f"Entry {done} is not the one that was verified at {last.verified_at.isoformat()}."
        return ChainReport(done, head or GENESIS, problem, done)
    if first <= done:
        return _since(tx, archive, done, last.head) if last else sql_audit.verify_whole(tx, archive)
    if (head := sql_audit.hash_at(tx, first, archive)) is None:
        return ChainReport(first, GENESIS, f"Entry {first} is missing.", done, first - done)
    return replace(_since(tx, archive, first, head), checkpoint=done, unverified=first - done)


def _since(tx: Connection, archive: Archive, entries: int, head: str) -> ChainReport:
    """The report on what came behind the first entries, whose last one has the hash `head`."""

    def changed_before(case: str) -> list[str]:
        return uncovered(row for row in sql_audit.entries(tx, case, archive) if row.entry.seq <= entries)

    return verify(sql_audit.rows(tx, archive, after=entries), Verified(entries, Sha256(head), changed_before))


def _keep(engine: Engine, checkpoint: Checkpoint) -> None:
    with transaction(engine, write=True) as tx:
        values = {name: getattr(checkpoint, name) for name in ("entries", "head", "verified_at", "signature")}
        new = insert(tx, AUDIT_CHECKPOINTS).values(values)
        tx.execute(new.on_conflict_do_update(index_elements=["entries"], set_=values))
