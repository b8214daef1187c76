"""Migrates a database to the newest schema, or back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from services.results.database import transaction
from services.results.sql_audit import lock


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply the migrations up to `revision`, one program at a time; applied ones are skipped."""
    _run(engine, revision, up=True)


def downgrade(engine: Engine, revision: str) -> None:
    """Revert migrations down to `revision`; "base" removes everything."""
    _run(engine, revision, up=False)


def missing(engine: Engine) -> bool:
    """Whether migrations have to run first; a newer schema than this program's is fine: a roll-out has both."""
    with transaction(engine, write=False) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    known = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    return current is None or current in known[1:]


def _run(engine: Engine, revision: str, *, up: bool) -> None:
    config = _config()
    with transaction(engine, write=True) as connection:
        lock(connection)
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
