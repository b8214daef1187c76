"""Reads pages of the list of cases from their columns, and its counts."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from medulla.v1.results_pb2 import CaseSummary
from medulla.v1.scorer_pb2 import HorizonRisk
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select

from services.results import sql_counts
from services.results.case_list import IN_PROGRESS, UNCERTAIN, Counts, Field, Order, PageMark, Selection, state_of
from services.results.schema import CASE_LABELS, CASES
from shared.times import stamp

_COLUMNS: Mapping[Field, ColumnElement[Any]] = {
    Field.GROUP: CASES.c.risk_group,
    Field.CERTAINTY: CASES.c.certainty,
    Field.SITE: CASES.c.site_id,
}
_SEARCHED = (CASES.c.case_id, CASES.c.site_id)
_LABELS = (Field.FLAG, Field.REASON)
_SORTED = {
    Order.NEWEST: CASES.c.updated_at.desc(),
    Order.OLDEST: CASES.c.updated_at,
    Order.CASE: CASES.c.case_id,
    Order.CASE_DESCENDING: CASES.c.case_id.desc(),
    Order.HIGHEST_RISK: CASES.c.risk.desc(),
    Order.LOWEST_RISK: CASES.c.risk,
}
_BY_RISK = {Order.HIGHEST_RISK, Order.LOWEST_RISK}
_DESCENDING = {Order.NEWEST, Order.CASE_DESCENDING, Order.HIGHEST_RISK}


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
    query = select(CASES).where(*_conditions(chosen))
    if order not in _BY_RISK:
        return _first(tx, query.order_by(_SORTED[order]), limit, after)
    if after is None or after.value is not None:
        rows = _first(tx, query.where(CASES.c.risk.is_not(None)).order_by(_SORTED[order]), limit, after)
        after = None
    else:
        rows = []
    if len(rows) < limit:
        further = [CASES.c.case_id > after.case_id] if after else []
        rows += _first(tx, query.where(CASES.c.risk.is_(None), *further), limit - len(rows), None)
    return rows


def _first(tx: Connection, query: Select[Any], limit: int, after: PageMark | None) -> list[Row[Any]]:
    behind = [_behind(after)] if after else []
    return list(tx.execute(query.where(*behind).order_by(CASES.c.case_id).limit(limit)))


def counts(tx: Connection, chosen: Selection) -> Counts:
    """How many cases a selection has; each field is counted as if it were not filtered."""
    return sql_counts.counts(tx, chosen, _words(chosen))


def _conditions(chosen: Selection) -> list[ColumnElement[bool]]:
    conditions = _words(chosen)
    return conditions + [_has(field, values) for field, values in chosen.values.items()]


def _has(field: Field, values: Collection[str]) -> ColumnElement[bool]:
    if field is Field.STATE:
        return _stands(set(values))
    return _is_labelled(field, values) if field in _LABELS else _COLUMNS[field].in_(sorted(values))


def _stands(standings: set[str]) -> ColumnElement[bool]:
    """By bare columns, of whose values the planner knows how frequent they are."""
    uncertain = CASES.c.certainty.in_(sorted(standings.intersection(UNCERTAIN)))
    certain = or_(CASES.c.certainty.is_(None), CASES.c.certainty.not_in(UNCERTAIN))
    states = [CASES.c.state.in_(sorted(standings.difference(UNCERTAIN)))]
    if IN_PROGRESS in standings:
        states.append(CASES.c.state.is_(None))
    return or_(uncertain, and_(certain, or_(*states)))


def _words(chosen: Selection) -> list[ColumnElement[bool]]:
    return [or_(*(func.lower(column).contains(word, autoescape=True) for column in _SEARCHED)) for word in chosen.words]


def _is_labelled(field: Field, values: Collection[str]) -> ColumnElement[bool]:
    label = CASE_LABELS.alias()
    return exists().where(label.c.case_id == CASES.c.case_id, label.c.field == field, label.c.label.in_(sorted(values)))


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
