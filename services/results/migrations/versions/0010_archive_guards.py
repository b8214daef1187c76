"""The audit record's triggers allow deletions only within a move into the archive, and no new entry before its end."""

from alembic import op

revision = "0010"
down_revision = "0009"

_REFUSE = "audit is append-only"
_IS_OF_FILE = (
    "EXISTS (SELECT 1 FROM archived_cases JOIN archives ON name = archive "
    "WHERE case_id = OLD.case_id AND state = '{state}' AND OLD.seq BETWEEN first_seq AND last_seq)"
)
_IS_TAKEN = "EXISTS (SELECT 1 FROM archives WHERE state IN ('kept', 'moving') AND last_seq >= NEW.seq)"


def upgrade() -> None:
    """Narrow deletions to files of state `moving`, which no committed row has; refuse entries of archived ranges."""
    _guard_deletions("moving")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_refuse_archived() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {_IS_TAKEN} THEN RAISE EXCEPTION '{_REFUSE}'; END IF; RETURN NEW; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_not_archived BEFORE INSERT ON audit "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse_archived()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER audit_not_archived BEFORE INSERT ON audit WHEN {_IS_TAKEN} "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END"
        )


def downgrade() -> None:
    """Allow what the migration before allows."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_not_archived ON audit")
        op.execute("DROP FUNCTION audit_refuse_archived()")
    else:
        op.execute("DROP TRIGGER audit_not_archived")
    _guard_deletions("kept")


def _guard_deletions(state: str) -> None:
    allowed = _IS_OF_FILE.format(state=state)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION audit_refuse_unless_archived() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {allowed} THEN RETURN OLD; END IF; RAISE EXCEPTION '{_REFUSE}'; END $$"
        )
        return
    op.execute("DROP TRIGGER audit_no_delete")
    op.execute(
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT {allowed} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END"
    )
