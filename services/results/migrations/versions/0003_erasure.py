"""Lets an erasure replace a case id in the audit record by its digest; all other updates stay refused."""

from alembic import op

revision = "0003"
down_revision = "0002"

_REFUSE = "audit is append-only"
_OTHERS = ("seq", "score_id", "score_digest", "as_of", "event_id", "recorded_at", "previous", "hash", "why")


def upgrade() -> None:
    """Narrow the refusal of updates."""
    (_upgrade_postgresql if op.get_bind().dialect.name == "postgresql" else _upgrade_sqlite)()


def downgrade() -> None:
    """Refuse every update again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_only_erasure ON audit")
        op.execute("DROP FUNCTION audit_refuse_unless_erasure()")
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute(_postgresql_guard("UPDATE OR DELETE OR TRUNCATE"))
    else:
        op.execute("DROP TRIGGER audit_no_update")
        op.execute(f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END")


def _postgresql_guard(verbs: str) -> str:
    return (
        f"CREATE TRIGGER audit_append_only BEFORE {verbs} ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _upgrade_postgresql() -> None:
    op.execute("DROP TRIGGER audit_append_only ON audit")
    op.execute(_postgresql_guard("DELETE OR TRUNCATE"))
    op.execute(
        "CREATE FUNCTION audit_refuse_unless_erasure() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF to_jsonb(NEW) - 'case_id' = to_jsonb(OLD) - 'case_id' "
        "AND NEW.case_id = encode(sha256(convert_to(OLD.case_id, 'UTF8')), 'hex') THEN RETURN NEW; END IF; "
        f"RAISE EXCEPTION '{_REFUSE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_only_erasure BEFORE UPDATE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_erasure()"
    )


def _upgrade_sqlite() -> None:
    """SQLite computes no SHA-256: it refuses values that are no digest; verifying the chain finds the rest."""
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _OTHERS)
    digest = "length(NEW.case_id) = 64 AND NEW.case_id NOT GLOB '*[^0-9a-f]*'"
    op.execute("DROP TRIGGER audit_no_update")
    op.execute(
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN NOT ({same} AND {digest}) "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END"
    )
