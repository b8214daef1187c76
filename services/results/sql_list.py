"""Reads pages of the list of cases from their columns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from medulla.v1.results_pb2 import CaseSummary
from medulla.v1.scorer_pb2 import HorizonRisk
from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, and_, or_, select

from services.results.case_list import Field, Order, PageMark, Selection, state_of
from services.results.schema import CASE_LABELS, CASES
from services.results.sql_selection import conditions
from shared.times import stamp

_SORTED_BY = {
    Order.NEWEST: "updated_at",
    Order.OLDEST: "updated_at",
    Order.CASE: "case_id",
    Order.CASE_DESCENDING: "case_id",
    Order.HIGHEST_RISK: "risk",
    Order.LOWEST_RISK: "risk",
}
_BY_RISK = {Order.HIGHEST_RISK, Order.LOWEST_RISK}
_DESCENDING = {Order.NEWEST, Order.CASE_DESCENDING, Order.HIGHEST_RISK}
_FEW = 200
"""Cases that are all looked for, in no order, if no more are expected to fit."""
_WALKED = 400
"""Cases that are looked at in their order for each one on a page, before all that fit are looked for."""


def page(
    tx: Connection, chosen: Selection, order: Order, limit: int, after: PageMark | None
) -> list[tuple[PageMark, CaseSummary]]:
    """At most `limit` cases after `after`, each with the mark of a page that ends with it."""
    rows = _rows(tx, chosen, order, limit, after)
    in_a_row = order is Order.CASE and chosen == Selection()
    labels = _labels_of(tx, [row.case_id for row in rows], in_a_row=in_a_row)
    return [(_mark(order, row), _summary(row, labels)) for row in rows]


def _rows(tx: Connection, chosen: Selection, order: Order, limit: int, after: PageMark | None) -> list[Row[Any]]:
    """The cases of a page, by an index; those without a risk come last by risk, and are read apart."""
    if order not in _BY_RISK:
        bounds = [_behind(after)] if after else []
        return (_walked if chosen.words else _planned)(tx, chosen, order, limit, bounds)
    if after is None or after.value is not None:
        bounds = [CASES.c.risk.is_not(None), *([_behind(after)] if after else [])]
        rows, after = _walked(tx, chosen, order, limit, bounds), None
    else:
        rows = []
    if len(rows) < limit:
        bounds = [CASES.c.risk.is_(None), *([CASES.c.case_id > after.case_id] if after else [])]
        rows += _walked(tx, chosen, Order.CASE, limit - len(rows), bounds)
    return rows


def _planned(
    tx: Connection, chosen: Selection, order: Order, limit: int, bounds: Sequence[ColumnElement[bool]]
) -> list[Row[Any]]:
    """The first cases by a plan of the database's choice, which is good for filters by time: it has indexes of both."""
    query = select(CASES).where(*conditions(chosen, CASES), *bounds)
    return list(tx.execute(query.order_by(*_sorted(order, CASES)).limit(limit)))


def _walked(
    tx: Connection, chosen: Selection, order: Order, limit: int, bounds: Sequence[ColumnElement[bool]]
) -> list[Row[Any]]:
    """The first cases, by a walk along their order where many fit, else among all that fit.

    No statistics say whether those that fit a search come early in an order, and those of a state may have no risk: a
    walk that the database chose would pass over nearly every case.
    """
    if chosen == Selection():
        return _planned(tx, chosen, order, limit, bounds)
    fit = select(CASES.c.case_id, CASES.c.updated_at, CASES.c.risk).where(*conditions(chosen, CASES), *bounds)
    if not _fit_few(tx, fit):
        within = select(CASES).where(*bounds).order_by(*_sorted(order, CASES)).limit(_WALKED * limit).subquery()
        first = select(within).where(*conditions(chosen, within)).order_by(*_sorted(order, within)).limit(limit)
        if len(rows := list(tx.execute(first))) == limit:
            return rows
    fitting = fit.cte("fitting").prefix_with("MATERIALIZED")
    ids = select(fitting.c.case_id).order_by(*_sorted(order, fitting)).limit(limit)
    return list(tx.execute(select(CASES).where(CASES.c.case_id.in_(ids)).order_by(*_sorted(order, CASES))))


def _fit_few(tx: Connection, fit: Select[Any]) -> bool:
    """Whether PostgreSQL expects few cases to fit; SQLite, which holds those of a laptop, says nothing of it."""
    if tx.dialect.name != "postgresql":
        return False
    compiled = fit.compile(tx, compile_kwargs={"render_postcompile": True})
    plan = tx.exec_driver_sql(f"explain (format json) {compiled}", compiled.params).scalar_one()
    return bool(plan[0]["Plan"]["Plan Rows"] < _FEW)


def _sorted(order: Order, cases: FromClause) -> list[ColumnElement[Any]]:
    column = cases.c[_SORTED_BY[order]]
    return [column.desc() if order in _DESCENDING else column, cases.c.case_id]


def _behind(mark: PageMark) -> ColumnElement[bool]:
    """What comes after a mark; the first condition alone bounds the range of an index."""
    later_id = CASES.c.case_id > mark.case_id
    if mark.order in {Order.CASE, Order.CASE_DESCENDING}:
        return CASES.c.case_id < mark.case_id if mark.order is Order.CASE_DESCENDING else later_id
    column = CASES.c.risk if mark.order in _BY_RISK else CASES.c.updated_at
    descending = mark.order in _DESCENDING
    bound = column <= mark.value if descending else column >= mark.value
    return and_(bound, or_(column != mark.value, later_id))


def _mark(order: Order, row: Row[Any]) -> PageMark:
    by_time, by_case = {Order.NEWEST, Order.OLDEST}, {Order.CASE, Order.CASE_DESCENDING}
    value = row.updated_at if order in by_time else None if order in by_case else row.risk
    return PageMark(order, value, row.case_id)


def _labels_of(tx: Connection, cases: Sequence[str], *, in_a_row: bool) -> Mapping[tuple[str, str], list[str]]:
    """Labels of cases; of those `in_a_row`, without others between, as one range, which PostgreSQL reads by index."""
    labels: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    case_id = CASE_LABELS.c.case_id
    chosen = case_id.between(cases[0], cases[-1]) if in_a_row and cases else case_id.in_(cases)
    for row in tx.execute(select(CASE_LABELS).where(chosen).order_by(CASE_LABELS.c.position)):
        labels[row.case_id, row.field].append(row.label)
    return labels


def _summary(row: Row[Any], labels: Mapping[tuple[str, str], list[str]]) -> CaseSummary:
    return CaseSummary(
        case_id=row.case_id,
        state=state_of(row.state),
        risk=_risk(row),
        risk_group=row.risk_group or "",
        certainty=row.certainty or "",
        flags=labels.get((row.case_id, Field.FLAG), ()),
        reasons=labels.get((row.case_id, Field.REASON), ()),
        site_id=row.site_id or "",
        updated_at=stamp(row.updated_at),
    )


def _risk(row: Row[Any]) -> HorizonRisk | None:
    if row.risk is None:
        return None
    return HorizonRisk(
        horizon_years=row.horizon_years, risk=row.risk, lo=row.risk_lo, hi=row.risk_hi, level=row.risk_level
    )
