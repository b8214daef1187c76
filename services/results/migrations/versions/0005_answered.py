"""The listing of a case's slides in which each was answered, so that looks at pending slides follow listings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_COMMENT = "Digest of the listing of its slides in which each was scored or refused"


def upgrade() -> None:
    """Add the column; it may be empty."""
    op.add_column("cases", sa.Column("answered_listing", sa.String(64), comment=_COMMENT))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("cases", "answered_listing")
