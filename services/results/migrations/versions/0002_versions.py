"""Versions of inputs, withdrawn cases, and why an audit entry was written.

Every new column may be empty, as a program of the schema before goes on writing during a roll-out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_WITHDRAWN = "Why scores of no greater revision than withdrawn_revision are not current"
_NOTHING_LEFT = "Nothing of the case is left in the bucket"
_OLD_REVISION, _REVISION = "Landing times of its inputs, newest first", "Of two scores of a case the greater is current"
_INPUTS = "JSON: key and etag of each object it was made from; empty in older rows"
_WHY = "Why a case was withdrawn, or what a score is no longer made from"
_ETAG = "Version of the object, or revision of the case; empty in older rows"


def upgrade() -> None:
    """Add the columns."""
    for table, column in _columns():
        op.add_column(table, column)
    _say_of_revision(_REVISION)


def downgrade() -> None:
    """Drop them."""
    for table, column in reversed(_columns()):
        op.drop_column(table, column.name)
    _say_of_revision(_OLD_REVISION)


def _say_of_revision(comment: str) -> None:
    """SQLite keeps no comments."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("scores", "revision", comment=comment, existing_type=sa.Text(), existing_nullable=False)


def _columns() -> list[tuple[str, sa.Column[object]]]:
    return [
        ("cases", sa.Column("withdrawn", sa.Text(), comment=_WITHDRAWN)),
        ("cases", sa.Column("withdrawn_revision", sa.Text())),
        ("cases", sa.Column("withdrawn_at", sa.DateTime(timezone=True))),
        ("cases", sa.Column("withdrawn_event_id", sa.String(64))),
        ("cases", sa.Column("nothing_left", sa.Boolean(), comment=_NOTHING_LEFT)),
        ("scores", sa.Column("inputs", sa.Text(), comment=_INPUTS)),
        ("audit", sa.Column("why", sa.Text(), comment=_WHY)),
        ("rejections", sa.Column("object_etag", sa.Text(), comment=_ETAG)),
    ]
