"""Connections to PostgreSQL and SQLite: deadlines, transactions, and errors of a database that is down."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, literal, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.results.errors import BadDatabaseUrlError, DatabaseDownError

_POSTGRES_OPTIONS = (
    "-c statement_timeout=15000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=30000"
    " -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
    " -c plan_cache_mode=force_custom_plan"
)
"""The server ends the session of a node that died within a minute, and so its locks. A plan for any value of a filter
reads far more than one for the value that is asked for."""
_POSTGRES_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "tcp_user_timeout": 20000,
    "options": _POSTGRES_OPTIONS,
    "application_name": "medulla-results",
}
_SQLITE_CONNECT: dict[str, Any] = {"timeout": 15, "check_same_thread": False}


def connect(url: str, renew: Callable[[], str] | None = None) -> Engine:
    """An engine for `postgresql://…` or `sqlite:///…`; no connection is made yet.

    `renew` gives the URL whose user and password open each new connection to PostgreSQL.

    Raises:
        BadDatabaseUrlError: it is neither.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed, connect_args=_POSTGRES_CONNECT, pool_pre_ping=True, pool_timeout=10, pool_size=10
        )
        if renew is not None:
            event.listen(engine, "do_connect", partial(_renew_login, renew))
        return engine
    engine = create_engine(parsed, connect_args=_SQLITE_CONNECT)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _renew_login(
    renew: Callable[[], str], dialect: object, record: object, arguments: object, parameters: dict[str, Any]
) -> None:
    """SQLAlchemy's hook before a connection is made; host and database stay those of the start."""
    del dialect, record, arguments
    url = _parsed(renew())
    parameters |= {"user": url.username, "password": url.password}


def check_login(newest: str, first: str) -> None:
    """Check that a renewed URL is whole: it can be read, and has a user and a password if the first had.

    Raises:
        BadDatabaseUrlError: it is not.
    """
    before, now = _parsed(first), _parsed(newest)
    if (before.username and not now.username) or (before.password and not now.password):
        raise BadDatabaseUrlError("the database's URL had a user and a password at the start and lacks one now")


@contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """One transaction, committed at the end; on SQLite a writing one waits for other writers.

    Raises:
        DatabaseDownError: the database is down, too slow, or asks for a retry.
    """
    try:
        with engine.execution_options(medulla_write=write).begin() as connection:
            yield connection
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise DatabaseDownError(f"the {engine.dialect.name} database does not answer: {_cause(error)}") from error


def _cause(error: SQLAlchemyError) -> str:
    """The message of the database or its driver, which names user and host, but no password or row."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT with ON CONFLICT in the connection's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def wrote(connection: Connection, statement: postgresql.Insert | sqlite.Insert) -> bool:
    """Run an INSERT ON CONFLICT of one row; False if there was a conflict."""
    return connection.execute(statement.returning(literal(1))).first() is not None


def _parsed(url: str) -> URL:
    try:
        parsed = _with_driver(make_url(url))
    except (ArgumentError, ValueError):
        raise BadDatabaseUrlError("the database's URL cannot be read") from None
    if parsed.get_backend_name() not in {"postgresql", "sqlite"}:
        raise BadDatabaseUrlError(f"a {parsed.drivername} database cannot hold results; use postgresql or sqlite")
    return parsed


def _with_driver(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgresql", "postgres"} else url


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("medulla_write", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
