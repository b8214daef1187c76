"""Counts of the list kept with each change of a case, and an index that finds parts of ids.

Triggers write changes of counts, so that a program of the schema before keeps them too. The index by trigrams needs
PostgreSQL's extension pg_trgm; where its owner may not create it, a search reads case after case as before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0008"
down_revision = "0007"

_KEY = ("state", "risk_group", "certainty", "site_id", "labels")
_NAMES = ", ".join(_KEY)
_INSERT = f"INSERT INTO case_counts ({_NAMES}, cases, summed)"
_SEARCHED = ("case_id", "site_id")
_LABELS = "Flags and reasons, each after its field and a colon, separated by U+001F"
_LISTED = "Revision from which the columns of the list and the labels were derived"
_OLD = "Revision from which the columns below and the labels were derived"


def upgrade() -> None:
    """Add columns and counts, fill both, and keep the counts from here on."""
    if is_postgresql := op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")
    op.add_column("cases", sa.Column("labels", sa.Text(), comment=_LABELS))
    op.add_column("cases", sa.Column("listed_revision", sa.BigInteger(), comment=_LISTED))
    op.create_table(
        "case_counts",
        sa.Column("state", sa.String(16)),
        sa.Column("risk_group", sa.Text()),
        sa.Column("certainty", sa.Text()),
        sa.Column("site_id", sa.String(64)),
        sa.Column("labels", sa.Text()),
        sa.Column("cases", sa.BigInteger(), nullable=False, comment="To be added; negative for cases that left"),
        sa.Column("summed", sa.Boolean(), nullable=False, comment="Whether it is the sum of earlier rows"),
    )
    (_fill_postgresql if is_postgresql else _fill_sqlite)()
    op.execute(f"{_INSERT} SELECT {_NAMES}, count(*), true FROM cases GROUP BY {_NAMES}")  # noqa: S608 - texts of this file
    (_keep_postgresql if is_postgresql else _keep_sqlite)()


def downgrade() -> None:
    """Drop them; the extension stays, as others may use it."""
    if op.get_bind().dialect.name == "postgresql":
        for verb in ("comes", "changes"):
            op.execute(f"DROP TRIGGER case_counts_{verb} ON cases")
        op.execute("DROP FUNCTION count_case()")
        for name in _SEARCHED:
            op.execute(f"DROP INDEX IF EXISTS cases_by_part_of_{name}")
    else:
        for verb in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER case_counts_{verb}")
    op.drop_table("case_counts")
    for name in ("labels", "listed_revision"):
        op.drop_column("cases", name)


def _fill_postgresql() -> None:
    _fill("string_agg(field || ':' || label, chr(31) ORDER BY field, label)")


def _fill_sqlite() -> None:
    _fill("group_concat(field || ':' || label, char(31))")


def _fill(joined: str) -> None:
    of_case = "case_labels.case_id = cases.case_id AND field <> 'slide'"
    labels = f"SELECT {joined} FROM case_labels WHERE {of_case}"  # noqa: S608 - texts of this file
    values = f"listed_revision = summary_revision, labels = coalesce(({labels}), '')"
    op.execute(f"UPDATE cases SET {values}")  # noqa: S608 - texts of this file


def _change(row: str, sign: str) -> str:
    values = ", ".join(f"{row}.{name}" for name in _KEY)
    return f"{_INSERT} VALUES ({values}, {sign}1, false);"


def _keep_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION count_case() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' THEN {_change('OLD', '-')} END IF; "
        f"IF TG_OP <> 'DELETE' THEN {_change('NEW', '+')} END IF; RETURN NULL; END $$"
    )
    old, new = (f"({', '.join(f'{row}.{name}' for name in _KEY)})" for row in ("OLD", "NEW"))
    run = "FOR EACH ROW {when} EXECUTE FUNCTION count_case()"
    op.execute(f"CREATE TRIGGER case_counts_comes AFTER INSERT OR DELETE ON cases {run.format(when='')}")
    moved = run.format(when=f"WHEN ({old} IS DISTINCT FROM {new})")
    op.execute(f"CREATE TRIGGER case_counts_changes AFTER UPDATE ON cases {moved}")
    _index_parts()


def _index_parts() -> None:
    """By trigrams; without the extension searches are as they were."""
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError:
        return
    for name in _SEARCHED:
        op.execute(f"CREATE INDEX cases_by_part_of_{name} ON cases USING gin (lower({name}) gin_trgm_ops)")


def _keep_sqlite() -> None:
    moved = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _KEY)
    leaves, comes = _change("OLD", "-"), _change("NEW", "+")
    for verb, when, changes in (
        ("insert", "", comes),
        ("delete", "", leaves),
        ("update", f"WHEN {moved}", leaves + comes),
    ):
        op.execute(f"CREATE TRIGGER case_counts_{verb} AFTER {verb.upper()} ON cases {when} BEGIN {changes} END")
