"""Names of the archive's files and the cases in them; the audit record's triggers allow deletions of such entries."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_REFUSE = "audit is append-only"
_IS_ARCHIVED = (
    "EXISTS (SELECT 1 FROM archived_cases JOIN archives ON name = archive "
    "WHERE case_id = OLD.case_id AND state = 'kept' AND OLD.seq BETWEEN first_seq AND last_seq)"
)


def upgrade() -> None:
    """Create the tables, and narrow the refusal of deletions."""
    op.create_table(
        "archives",
        sa.Column("name", sa.String(128), primary_key=True, comment="Of the object; ends in the SHA-256 of its bytes"),
        sa.Column(
            "first_seq", sa.BigInteger(), nullable=False, comment="Of the audit entries in it, not all of which need be"
        ),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="Bytes of the object"),
        sa.Column("state", sa.String(16), nullable=False, comment="writing, kept or replaced"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("archives_by_last", "archives", ["last_seq"])
    op.create_table(
        "archived_cases",
        sa.Column("case_id", sa.String(64), primary_key=True, comment="Of an erased case its digest"),
        sa.Column("archive", sa.String(128), primary_key=True),
        sa.Column(
            "unfinished",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="An erasure could not read the file",
        ),
    )
    (_guard_postgresql if op.get_bind().dialect.name == "postgresql" else _guard_sqlite)()


def downgrade() -> None:
    """Refuse every deletion again; a record with an archive is no longer whole then."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_only_archived ON audit")
        op.execute("DROP FUNCTION audit_refuse_unless_archived()")
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute(_statement_guard("DELETE OR TRUNCATE"))
    else:
        op.execute("DROP TRIGGER audit_no_delete")
        op.execute(f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END")
    op.drop_table("archived_cases")
    op.drop_table("archives")


def _statement_guard(verbs: str) -> str:
    return (
        f"CREATE TRIGGER audit_append_only BEFORE {verbs} ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _guard_postgresql() -> None:
    op.execute("DROP TRIGGER audit_append_only ON audit")
    op.execute(_statement_guard("TRUNCATE"))
    op.execute(
        "CREATE FUNCTION audit_refuse_unless_archived() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_IS_ARCHIVED} THEN RETURN OLD; END IF; RAISE EXCEPTION '{_REFUSE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_only_archived BEFORE DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_archived()"
    )


def _guard_sqlite() -> None:
    op.execute("DROP TRIGGER audit_no_delete")
    op.execute(
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT {_IS_ARCHIVED} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END"
    )
