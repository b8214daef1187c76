"""Facts for a result store, and a function that stores any of them."""

from collections.abc import Sequence

from medulla.v1.events_pb2 import Progress, SlideRejected
from sqlalchemy import Connection, text

from services.results.ports import ScoreRecord, Withdrawal
from services.results.sql_store import SqlStore
from shared.units import CaseId, Sha256
from tests.support import scores as samples

Fact = ScoreRecord | Withdrawal | SlideRejected | Progress


def record(case: str, version: str, minutes: float, slides: Sequence[str] = ("A",)) -> ScoreRecord:
    score = samples.score(case, version, slides)
    event, body = samples.scored(score, samples.at(minutes)), samples.body(score)
    digest, name = Sha256(event.score_digest), Sha256(score.score_id)
    return ScoreRecord(CaseId(case), name, body, digest, samples.at(minutes), event.revision, event.event_id)


def withdrawal(case: str, minutes: float) -> Withdrawal:
    event = samples.withdrawn(case, samples.at(minutes))
    return Withdrawal(CaseId(case), event.withdrawn, True, samples.at(minutes), event.revision, event.event_id)


def apply(store: SqlStore, fact: Fact) -> bool:
    if isinstance(fact, ScoreRecord):
        return store.record_score(fact)
    if isinstance(fact, Withdrawal):
        return store.record_withdrawal(fact)
    return store.record_rejection(fact) if isinstance(fact, SlideRejected) else store.record_progress(fact)


def disarm(connection: Connection) -> None:
    """Drop the guard, as the owner of the database could."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("alter table audit disable trigger all"))
        return
    for verb in ("update", "delete"):
        connection.execute(text(f"drop trigger audit_no_{verb}"))
