"""Lets one program at a time look for pending slides, by an advisory lock of PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, func, select

from services.results.database import transaction

_LOCK = 0x77_6169_7469_6E67
"""A number that no other program uses: "waiting" in ASCII."""
_HELD_AT_MOST = "set local idle_in_transaction_session_timeout = '1h'"


@contextmanager
def alone(engine: Engine) -> Iterator[bool]:
    """See ResultStore; the lock is that of a transaction, so it ends with the connection. SQLite has one program."""
    if engine.dialect.name != "postgresql":
        yield True
        return
    with transaction(engine, write=False) as tx:
        tx.exec_driver_sql(_HELD_AT_MOST)
        yield bool(tx.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))
