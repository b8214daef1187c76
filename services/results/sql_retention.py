"""Cases in SQL that were idle for some time, a page after another."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, exists, or_, select

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
    since = exists().where(AUDIT.c.case_id == old.c.case_id, AUDIT.c.recorded_at >= before)
    rows = tx.execute(select(old, since).order_by(old.c.updated_at, old.c.case_id))
    return [DatedCase(CaseId(case), at, bool(recorded)) for case, at, recorded in rows]
