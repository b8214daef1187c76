"""Stores the text of scores in SQL, each once, and withdrawals."""

from typing import Any

from sqlalchemy import Connection, or_, select, update

from services.results import sql_reads
from services.results.database import insert, wrote
from services.results.errors import ScoreMismatchError
from services.results.ports import ScoreRecord, Withdrawal
from services.results.schema import CASES, SCORES


def check_same_text(tx: Connection, record: ScoreRecord) -> None:
    """Compare a score with the one that is stored under its id.

    Raises:
        ScoreMismatchError: that has another digest.
    """
    kept = tx.scalar(select(SCORES.c.digest).where(*_is(record)))
    if kept != record.digest:
        raise ScoreMismatchError(
            f"score {record.score_id} of case {record.case_id} is kept with digest {kept}, announced is {record.digest}"
        )


def _is(record: ScoreRecord) -> tuple[Any, ...]:
    return SCORES.c.case_id == record.case_id, SCORES.c.score_id == record.score_id


def keep(tx: Connection, record: ScoreRecord) -> None:
    """Store a score; of one that is stored, times and inputs move to those of a greater revision.

    Raises:
        ScoreMismatchError: another text is stored under its id.
    """
    values = {
        "case_id": record.case_id,
        "score_id": record.score_id,
        "as_of": record.as_of,
        "revision": record.revision,
        "digest": record.digest,
        "body": record.body,
        "inputs": sql_reads.inputs_text(record.inputs),
        "site_id": record.site,
    }
    if wrote(tx, insert(tx, SCORES).values(values).on_conflict_do_nothing()):
        return
    check_same_text(tx, record)
    older = *_is(record), SCORES.c.revision < record.revision
    tx.execute(
        update(SCORES).where(*older).values({name: values[name] for name in ("as_of", "revision", "inputs", "site_id")})
    )


def keep_withdrawal(tx: Connection, withdrawal: Withdrawal) -> None:
    """Note a withdrawal in the row of its case, unless a later one is noted."""
    older = or_(CASES.c.withdrawn_revision.is_(None), CASES.c.withdrawn_revision < withdrawal.revision)
    values = {
        "withdrawn": withdrawal.sentence,
        "withdrawn_revision": withdrawal.revision,
        "withdrawn_at": withdrawal.as_of,
        "withdrawn_event_id": withdrawal.event_id,
        "nothing_left": withdrawal.nothing_left,
    }
    tx.execute(update(CASES).where(CASES.c.case_id == withdrawal.case_id, older).values(values))
