"""Cases, scores, audit, rejections, progress."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)
_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CURRENT = "The greatest revision, then the highest score_id"
_BODY = "JSON mapping of medulla.v1.Score; the digest covers its bytes"
_REFUSE = "audit is append-only"


def upgrade() -> None:
    """Create the tables and the guard of the audit record."""
    _create_scores_and_cases()
    _create_audit()
    _create_rejections()
    _create_progress()
    (_guard_postgresql if op.get_bind().dialect.name == "postgresql" else _guard_sqlite)()


def downgrade() -> None:
    """Drop everything."""
    for table in ("audit", "progress", "rejections", "cases", "scores"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse()")


def _create_scores_and_cases() -> None:
    op.create_table(
        "scores",
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("score_id", sa.String(64), primary_key=True),
        sa.Column("as_of", _TIME, nullable=False),
        sa.Column("revision", sa.Text(), nullable=False, comment="Landing times of its inputs, newest first"),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment=_BODY),
    )
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("updated_at", _TIME, nullable=False, comment="Newest time among all that is known of the case"),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="Grows with every score and refusal"),
        sa.Column("current_score_id", sa.String(64), comment=_CURRENT),
        sa.ForeignKeyConstraint(
            ["case_id", "current_score_id"], ["scores.case_id", "scores.score_id"], name="cases_current"
        ),
    )
    op.create_index("cases_by_update", "cases", ["updated_at", "case_id"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("score_id", sa.String(64), nullable=False),
        sa.Column("score_digest", sa.String(64), nullable=False),
        sa.Column("as_of", _TIME, nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("case_id", "score_id", "event_id", name="audit_once"),
    )


def _create_rejections() -> None:
    op.create_table(
        "rejections",
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), nullable=False, comment="Empty where the key named no case"),
        sa.Column("slide_id", sa.String(64), nullable=False, comment="Empty for a clinical record"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("object_key", "service", "reason")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sentence", "advice", "thumbnail_key")),
        sa.Column("as_of", _TIME, nullable=False),
    )
    op.create_index("rejections_by_case", "rejections", ["case_id"])


def _create_progress() -> None:
    op.create_table(
        "progress",
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("slide_id", sa.String(64), primary_key=True),
        sa.Column("event_id", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("stage", "done", "total")),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_index("progress_by_time", "progress", ["at"])


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _guard_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END"
        )
