"""Tables of PostgreSQL by COPY: all as they stand at one moment, and back into empty ones, in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, exists, func, inspect, select, table

from services.results import migrate
from services.results.audit_chain import ERASURES, EXPIRED
from services.results.database import transaction
from services.results.errors import DatabaseDownError
from services.results.schema import ARCHIVES, AUDIT, CASE_COUNTS
from services.standalone.backup.backup_store import BackupStore
from services.standalone.backup.errors import NewerBackupError, NotEmptyError, UnsuitableTargetError
from services.standalone.backup.manifest import Manifest, TableCopy
from shared.erased import RETENTION
from shared.units import Sha256

_WRITTEN_ELSEWHERE = ("alembic_version", CASE_COUNTS.name)
"""Tables that migrations write, and triggers with each case that comes."""
_PART_BYTES = 8 << 20
"""Text of rows that is compressed into a part."""
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads all tables as they stand at its first query, without holding up any writer.

    Raises:
        UnsuitableTargetError: the database is not PostgreSQL.
        DatabaseDownError: it does not answer.
    """
    if engine.dialect.name != "postgresql":
        raise UnsuitableTargetError("a database of SQLite is backed up by copying it while `medulla up` is stopped")
    with transaction(engine.execution_options(**_SNAPSHOT), write=False) as tx, _faults():
        _wait_long(tx)
        yield tx


def copy_tables(tx: Connection, store: BackupStore) -> tuple[TableCopy, ...]:
    """Store every table, those first to which others refer."""
    return tuple(_copy_table(tx, store, name) for name in _names(tx))


def audit_head(tx: Connection) -> tuple[int, str]:
    """How many entries the audit record has, and the hash of the last."""
    last = tx.execute(select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
    return (last.seq, last.hash) if last else (0, "")


def is_loaded(engine: Engine, manifest: Manifest) -> bool:
    """Whether the database holds this backup, from a restore that was stopped later on.

    Raises:
        NotEmptyError: it holds something else.
    """
    with transaction(engine, write=False) as tx:
        filled = [name for name in _names(tx) if tx.scalar(select(exists().select_from(table(name))))]
        if not filled:
            return False
        entry = select(AUDIT.c.hash).where(AUDIT.c.seq == manifest.audit_entries)
        if "audit" in filled and tx.scalar(entry) == manifest.audit_head:
            return True
    raise NotEmptyError(f"the database is not empty: it has rows in {', '.join(filled)}")


def erased_since(engine: Engine, moment: datetime) -> dict[Sha256, str]:
    """Digests of the ids of cases of whose erasure the audit record has an entry since a moment, and why."""
    entries = select(AUDIT.c.case_id, AUDIT.c.why).where(AUDIT.c.why.in_(ERASURES), AUDIT.c.recorded_at >= moment)
    with transaction(engine, write=False) as tx:
        return {Sha256(digest): RETENTION if why == EXPIRED else "" for digest, why in tx.execute(entries)}


def load_tables(engine: Engine, manifest: Manifest, store: BackupStore) -> None:
    """Fill an empty database with the tables of a backup, in the schema that they had; all of them, or none.

    The archive's files come last: the audit record takes no entry of a range that is archived.

    Raises:
        NewerBackupError: a newer program made the backup.
        DamagedBackupError: a part of it was altered.
    """
    if not migrate.knows(manifest.schema_revision):
        raise NewerBackupError(f"backup {manifest.name} was made by Medulla {manifest.program}, which is newer")
    migrate.downgrade(engine, "base")
    migrate.upgrade(engine, manifest.schema_revision)
    with transaction(engine, write=True) as tx, _faults():
        _wait_long(tx)
        for copy in sorted(manifest.tables, key=lambda copy: copy.name == ARCHIVES.name):
            _load_table(tx, copy, store)


def _copy_table(tx: Connection, store: BackupStore, name: str) -> TableCopy:
    columns = [column["name"] for column in inspect(tx).get_columns(name)]
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(name), _listed(columns))
    parts, rows = [], 0
    with _driver(tx).cursor() as cursor, cursor.copy(statement) as copied:
        for block in _blocks(copied):
            parts.append(store.put_packed(block))
            rows += block.count(b"\n")
    return TableCopy(name=name, columns=tuple(columns), rows=rows, parts=tuple(parts))


def _blocks(copied: psycopg.Copy) -> Iterator[bytes]:
    """Whole rows, as many as a part holds."""
    block = bytearray()
    for row in copied:
        block += row
        if len(block) >= _PART_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _load_table(tx: Connection, copy: TableCopy, store: BackupStore) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(copy.name), _listed(copy.columns))
    with _driver(tx).cursor() as cursor, cursor.copy(statement) as loaded:
        for digest in copy.parts:
            loaded.write(store.packed(digest))


def _names(tx: Connection) -> list[str]:
    ordered = inspect(tx).get_sorted_table_and_fkc_names()
    return [name for name, _ in ordered if name and name not in _WRITTEN_ELSEWHERE]


def _listed(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _driver(tx: Connection) -> "psycopg.Connection[tuple[object, ...]]":
    return cast("psycopg.Connection[tuple[object, ...]]", tx.connection.driver_connection)


def _wait_long(tx: Connection) -> None:
    """A table may take longer to copy than a request may last."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        tx.execute(select(func.set_config(limit, "0", True)))


@contextmanager
def _faults() -> Iterator[None]:
    """The driver's own errors, as those of SQLAlchemy are reported."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseDownError(f"the database does not answer: {str(error).splitlines()[0]}") from error
