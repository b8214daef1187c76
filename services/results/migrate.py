"""Migrates a database to the newest schema, or back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from services.results.database import transaction
from services.results.sql_audit import lock


def upgrade(engine: Engine, to: str = "head") -> None:
    """Apply the migrations up to `to`, one program at a time; applied ones are skipped."""
    _run(engine, to, up=True)


def downgrade(engine: Engine, to: str) -> None:
    """Revert migrations down to `to`; "base" removes everything."""
    _run(engine, to, up=False)


def missing(engine: Engine) -> bool:
    """Whether migrations have to run first; a newer schema than this program's is fine: a roll-out has both."""
    with transaction(engine, write=False) as connection:
        current = revision(connection)
    known = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    return not current or current in known[1:]


def revision(connection: Connection) -> str:
    """The newest migration that was applied; empty for a database without tables."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def knows(name: str) -> bool:
    """Whether this program has a migration of this name."""
    return any(script.revision == name for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _run(engine: Engine, to: str, *, up: bool) -> None:
    config = _config()
    with transaction(engine, write=True) as connection:
        lock(connection)
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, to)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
