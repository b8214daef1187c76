"""Migrations of every result store, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from services.results import migrate
from services.results.errors import OldSchemaError
from services.results.schema import METADATA
from services.results.sql_store import SqlStore
from shared.units import CaseId
from tests.support import scores as samples


def test_migrations_lead_to_the_schema_and_back_to_nothing(new_store: Callable[[], SqlStore]) -> None:
    store = new_store()
    for _ in range(2):
        store.migrate()
        with store.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_name": is_described})
            assert compare_metadata(context, METADATA) == []
        migrate.downgrade(store.engine, "base")
        assert inspect(store.engine).get_table_names() == ["alembic_version"]


def is_described(name: str | None, kind: str, _parents: object) -> bool:
    """Whether the schema describes it: not indexes of an extension, which a database may lack."""
    return kind != "index" or not (name or "").startswith("cases_by_part_of_")


def test_a_store_without_its_tables_says_what_to_run(new_store: Callable[[], SqlStore]) -> None:
    store = new_store()
    with pytest.raises(OldSchemaError, match=r"services\.results migrate"):
        store.check()
    store.migrate()
    store.check()


def test_a_newer_schema_is_fine(fresh: SqlStore) -> None:
    with fresh.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    fresh.check()


def test_two_programs_may_migrate_at_once(new_store: Callable[[], SqlStore]) -> None:
    store = new_store()
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(store.migrate) for _ in range(3)]:
            done.result()
    assert store.case_ids() == []


def test_progress_of_an_older_schema_has_no_trace(new_store: Callable[[], SqlStore]) -> None:
    store = new_store()
    migrate.upgrade(store.engine, "0010")
    with store.engine.begin() as connection:
        at = samples.at(5).isoformat(" ")
        connection.execute(text("insert into cases (case_id, updated_at, revision) values ('c', :at, 1)"), {"at": at})
        row = "insert into progress (case_id, slide_id, event_id, stage, done, total, at) "
        connection.execute(text(row + "values ('c', 'A', 'e', 3, 40, 400, :at)"), {"at": at})
    store.migrate()
    facts = store.case(CaseId("c"))
    assert facts is not None
    assert ([each.done for each in facts.progress], facts.traces) == ([40], {})
