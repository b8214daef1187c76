"""The trace of the work that reported a slide's progress, so that each slide that waits can name it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_COMMENT = "Of the work that reported it; empty without tracing, and in older rows"


def upgrade() -> None:
    """Add the column; it may be empty."""
    op.add_column("progress", sa.Column("trace_id", sa.String(32), comment=_COMMENT))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("progress", "trace_id")
