"""Runs migrations on the connection that `services.results.migrate` passes."""

from alembic import context

from services.results.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
