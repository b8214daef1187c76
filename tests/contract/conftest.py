"""Result stores on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator

import pytest

from services.results.sql_store import SqlStore
from tests.support import scores as samples


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def new_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], SqlStore]]:
    """Makes empty stores of one kind, without their tables."""
    opened: list[SqlStore] = []

    def make() -> SqlStore:
        if request.param == "postgres":
            url = request.getfixturevalue("postgres").database()
        else:
            url = f"sqlite:///{tmp_path_factory.mktemp('results') / 'r.db'}"
        opened.append(SqlStore(url, now=lambda: samples.at(60)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture(scope="module")
def store(new_store: Callable[[], SqlStore]) -> SqlStore:
    """One store for all tests that keep to cases of their own."""
    made_here = new_store()
    made_here.migrate()
    return made_here


@pytest.fixture
def fresh(new_store: Callable[[], SqlStore]) -> SqlStore:
    """A store of a test's own."""
    made_here = new_store()
    made_here.migrate()
    return made_here
