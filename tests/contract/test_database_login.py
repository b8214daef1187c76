"""A password of PostgreSQL that changes while the service runs opens the next connections."""

import secrets
from collections.abc import Callable

import pytest
from sqlalchemy import make_url, text

from services.results.database import connect, transaction
from services.results.errors import DatabaseDownError
from tests.support.parts import PostgresPart


@pytest.fixture
def login(postgres: PostgresPart) -> Callable[[str], str]:
    """Gives a role of this test's own a password, and returns the URL with it."""
    owner = postgres.database()
    role = f"renewed_{secrets.token_hex(4)}"
    with transaction(connect(owner), write=True) as connection:
        connection.execute(text(f"create role {role} login"))

    def change(password: str) -> str:
        with transaction(connect(owner), write=True) as connection:
            connection.execute(text(f"alter role {role} password '{password}'"))
        return make_url(owner).set(username=role, password=password).render_as_string(hide_password=False)

    return change


def test_a_new_connection_is_opened_with_the_password_that_is_mounted_now(login: Callable[[str], str]) -> None:
    first = login("before")
    mounted = [first]
    renewing, fixed = connect(first, lambda: mounted[0]), connect(first)
    for engine in (renewing, fixed):
        with transaction(engine, write=False) as connection:
            assert connection.execute(text("select 1")).scalar() == 1
        engine.dispose()
    mounted[0] = login("after")
    with transaction(renewing, write=False) as connection:
        assert connection.execute(text("select 1")).scalar() == 1
    with pytest.raises(DatabaseDownError, match="password authentication failed"), transaction(fixed, write=False):
        pass
