"""What the list of cases shows and filters by, in columns; sites of scores; people's notes.

Every new column may be empty, as a program of the schema before goes on writing during a roll-out; after the migration
`services.results.migrate` fills them, and the service what such a program still wrote.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)
_SUMMARY = "Revision from which the columns below and the labels were derived"
_CONCLUDED = "Progress up to then is of what the last score or withdrawal was made from"
_STATE = "in_progress, scored, abstained, rejected or withdrawn"
_HORIZON = "Of the risk, the first horizon; empty without one, as the next columns"
_SITE = "Site in the clinical record that it was made from; empty without one"
_NOTE = "JSON mapping of medulla.v1.Note; the audit entry's digest covers it"
_BY_TIME = ("state", "risk_group", "certainty", "site_id")


def upgrade() -> None:
    """Add columns, tables and indexes."""
    for table, column in _columns():
        op.add_column(table, column)
    op.create_index("cases_by_risk", "cases", ["risk", "case_id"])
    for name in _BY_TIME:
        op.create_index(f"cases_by_{name}", "cases", [name, "updated_at"])
    _create_labels()
    _create_notes()


def downgrade() -> None:
    """Drop them."""
    for name in ("risk", *_BY_TIME):
        op.drop_index(f"cases_by_{name}", "cases")
    op.drop_table("case_labels")
    op.drop_table("notes")
    for table, column in reversed(_columns()):
        op.drop_column(table, column.name)


def _create_labels() -> None:
    op.create_table(
        "case_labels",
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("field", sa.String(16), primary_key=True, comment="flag, reason or slide"),
        sa.Column("label", sa.String(200), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False, comment="Order in which the labels of a case are shown"),
    )
    op.create_index("case_labels_by_label", "case_labels", ["field", "label", "case_id"])


def _create_notes() -> None:
    op.create_table(
        "notes",
        sa.Column("note_id", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment=_NOTE),
    )
    op.create_index("notes_by_case", "notes", ["case_id", "at"])


def _columns() -> list[tuple[str, sa.Column[object]]]:
    return [
        ("cases", sa.Column("concluded_at", _TIME, comment=_CONCLUDED)),
        ("cases", sa.Column("summary_revision", sa.BigInteger(), comment=_SUMMARY)),
        ("cases", sa.Column("state", sa.String(16), comment=_STATE)),
        ("cases", sa.Column("risk_group", sa.Text())),
        ("cases", sa.Column("certainty", sa.Text())),
        ("cases", sa.Column("site_id", sa.String(64))),
        ("cases", sa.Column("horizon_years", sa.Double(), comment=_HORIZON)),
        ("cases", sa.Column("risk", sa.Double())),
        ("cases", sa.Column("risk_lo", sa.Double())),
        ("cases", sa.Column("risk_hi", sa.Double())),
        ("cases", sa.Column("risk_level", sa.Double())),
        ("scores", sa.Column("site_id", sa.String(64), comment=_SITE)),
    ]
