"""Views of cases in SQL."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, literal, select, update

from services.results.database import insert, transaction
from services.results.schema import CASES, VIEWS
from services.results.viewing import View, hour_of
from shared.canonical import sha256
from shared.units import CaseId


@dataclass(frozen=True)
class SqlViews:
    """The ViewStore on SQL."""

    engine: Engine

    def record_view(self, view: View) -> bool:
        """See ViewStore."""
        with transaction(self.engine, write=True) as tx:
            if view.case_id and not tx.scalar(select(literal(1)).where(CASES.c.case_id == view.case_id)):
                return False
            values = {name: getattr(view, name) for name in View.__slots__} | {"hour": hour_of(view.at)}
            tx.execute(insert(tx, VIEWS).values(values).on_conflict_do_nothing())
        return True

    def views(self, case_id: str, subject: str, limit: int) -> list[View]:
        """See ViewStore."""
        query = select(*(VIEWS.c[name] for name in View.__slots__)).order_by(VIEWS.c.at.desc()).limit(limit)
        if case_id:
            query = query.where(VIEWS.c.case_id.in_((case_id, sha256(case_id.encode()))))
        if subject:
            query = query.where(VIEWS.c.subject == subject)
        with transaction(self.engine, write=False) as tx:
            return [View(*row) for row in tx.execute(query)]

    def forget_views(self, before: datetime) -> int:
        """See ViewStore."""
        with transaction(self.engine, write=True) as tx:
            return tx.execute(delete(VIEWS).where(VIEWS.c.at < before)).rowcount


def strip(tx: Connection, case: CaseId, name: str) -> None:
    """Replace the id of an erased case by its digest: who looked at it stays, and which case it was does not."""
    tx.execute(update(VIEWS).where(VIEWS.c.case_id == case).values(case_id=name))
