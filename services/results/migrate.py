"""Brings a database to the newest schema, or back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply the migrations up to `revision`; nothing happens where they stand."""
    _run(engine, revision, up=True)


def downgrade(engine: Engine, revision: str) -> None:
    """Take migrations back to `revision`; "base" removes everything."""
    _run(engine, revision, up=False)


def _run(engine: Engine, revision: str, *, up: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)
