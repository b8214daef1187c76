"""The conditions of a selection in SQL, on the table of cases or on a query with its columns."""

import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, func, or_

from services.results.case_list import IN_PROGRESS, SEPARATORS, UNCERTAIN, Field, Selection
from services.results.schema import CASE_LABELS

LABELS = (Field.FLAG, Field.REASON)
_COLUMNS = {Field.GROUP: "risk_group", Field.CERTAINTY: "certainty", Field.SITE: "site_id"}
_SEARCHED = ("case_id", "site_id")
_IN_IDS = re.compile(r"[a-z0-9._-]+")
_TRIGRAM = 3


def conditions(chosen: Selection, cases: FromClause) -> list[ColumnElement[bool]]:
    """All of them."""
    return words(chosen, cases) + [_has(field, values, cases) for field, values in chosen.values.items()]


def words(chosen: Selection, cases: FromClause) -> list[ColumnElement[bool]]:
    """Those of the words that are searched for."""
    return [or_(*(_fits(cases.c[name], word) for name in _SEARCHED)) for word in chosen.words]


def _fits(column: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """A short word fits at the start of a part of an id, where an index of trigrams finds it; others fit anywhere."""
    text = func.lower(column)
    if not _IN_IDS.fullmatch(word):
        return false()
    if len(word) >= _TRIGRAM or word[0] in SEPARATORS:
        return text.contains(word, autoescape=True)
    return text.regexp_match(f"(^|[{SEPARATORS}]){re.escape(word)}")


def _has(field: Field, values: Collection[str], cases: FromClause) -> ColumnElement[bool]:
    if field is Field.STATE:
        return _stands(set(values), cases)
    if field in LABELS:
        return _is_labelled(field, values, cases)
    return cases.c[_COLUMNS[field]].in_(sorted(values))


def _stands(standings: set[str], cases: FromClause) -> ColumnElement[bool]:
    """By bare columns, of whose values the planner knows how frequent they are."""
    uncertain = cases.c.certainty.in_(sorted(standings.intersection(UNCERTAIN)))
    certain = or_(cases.c.certainty.is_(None), cases.c.certainty.not_in(UNCERTAIN))
    states = [cases.c.state.in_(sorted(standings.difference(UNCERTAIN)))]
    if IN_PROGRESS in standings:
        states.append(cases.c.state.is_(None))
    return or_(uncertain, and_(certain, or_(*states)))


def _is_labelled(field: Field, values: Collection[str], cases: FromClause) -> ColumnElement[bool]:
    label = CASE_LABELS.alias()
    return exists().where(label.c.case_id == cases.c.case_id, label.c.field == field, label.c.label.in_(sorted(values)))
