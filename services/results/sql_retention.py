"""Cases in SQL that were idle for some time, a page after another."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Exists, and_, exists, or_, select

from services.results.schema import AUDIT, CASES
from shared.units import CaseId


class DatedCase(NamedTuple):
    """A case, by the newest time among its inputs, refusals and progress, and whether an entry is newer."""

    case_id: CaseId
    updated_at: datetime
    recorded_since: bool
    """Whether a score, a withdrawal or a note was recorded since the time that was asked for."""


def page(tx: Connection, before: datetime, limit: int, after: DatedCase | None) -> Sequence[DatedCase]:
    """At most `limit` cases behind `after` whose inputs are all older than `before`, the oldest first."""
    query = select(CASES.c.case_id, CASES.c.updated_at).where(CASES.c.updated_at < before)
    if after:
        same = and_(CASES.c.updated_at == after.updated_at, CASES.c.case_id > after.case_id)
        query = query.where(or_(CASES.c.updated_at > after.updated_at, same))
    old = query.order_by(CASES.c.updated_at, CASES.c.case_id).limit(limit).subquery()
    rows = tx.execute(select(old, _recorded_since(old.c.case_id, before)).order_by(old.c.updated_at, old.c.case_id))
    return [DatedCase(CaseId(case), at, bool(recorded)) for case, at, recorded in rows]


def is_idle(tx: Connection, case: CaseId, since: datetime) -> bool:
    """Whether a case is known and nothing of it is newer."""
    old = CASES.c.case_id == case, CASES.c.updated_at < since, ~_recorded_since(CASES.c.case_id, since)
    return tx.execute(select(CASES.c.case_id).where(*old)).first() is not None


def _recorded_since(case: ColumnElement[str], since: datetime) -> Exists:
    return exists().where(AUDIT.c.case_id == case, AUDIT.c.recorded_at >= since)
