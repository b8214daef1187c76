"""Signed checkpoints, from which the audit record is verified on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create their table."""
    op.create_table(
        "audit_checkpoints",
        sa.Column(
            "entries",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
            comment="Of the audit record, from its first one, that were verified",
        ),
        sa.Column("head", sa.String(64), nullable=False, comment="Hash of the last of them"),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.String(64), nullable=False, comment="HMAC-SHA256 by RESULTS_AUDIT_KEY"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("audit_checkpoints")
