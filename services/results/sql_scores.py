"""Stores the text of scores in SQL, each once."""

from typing import Any

from sqlalchemy import Connection, select, update

from services.results import sql_reads
from services.results.database import insert, wrote
from services.results.errors import ScoreMismatchError
from services.results.ports import ScoreRecord
from services.results.schema import SCORES


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
