"""Who looked at which case, in a table of its own that is not part of the audit chain: its rows have a time to live."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TIME = sa.DateTime(timezone=True)
_CASE = "Empty for lists; its SHA-256 once the case was erased"


def upgrade() -> None:
    """Add the table and its indexes."""
    op.create_table(
        "views",
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("case_id", sa.String(64), primary_key=True, comment=_CASE),
        sa.Column("what", sa.String(16), primary_key=True, comment="case, list, cases.csv or notes.csv"),
        sa.Column("hour", _TIME, primary_key=True, comment="One row an hour"),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
    )
    op.create_index("views_by_time", "views", ["at"])
    op.create_index("views_by_case", "views", ["case_id", "at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("views")
