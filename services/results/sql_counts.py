"""Counts of the list, from sums that triggers keep with each change of a case; a search counts its cases."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select

from services.results.case_list import IN_PROGRESS, UNCERTAIN, Counts, Field, Selection
from services.results.schema import CASE_COUNTS, CASES
from services.results.sql_selection import conditions

_SEPARATOR = "\x1f"
"""Between labels; no label has a control character."""
_KEY = ("state", "risk_group", "certainty", "site_id", "labels")
_MOST_CHANGES = 1000
"""Rows that wait to be summed up; each read of the counts adds them up itself."""
_MOST_SEARCHED = 10_000
"""The highest number of a search that fits more cases than these."""

Label = tuple[str, str]
_Facets = Mapping[Field, Collection[str]]
_Group = tuple[_Facets, int]
"""Values by field, and the cases that have just these."""


def joined(labels: Iterable[Label]) -> str:
    """Labels of a case, by field, as its column has them."""
    return _SEPARATOR.join(sorted(f"{name}:{label}" for name, label in labels))


def counts(tx: Connection, chosen: Selection) -> Counts:
    """How many cases a selection has; each field is counted as if it were not filtered."""
    if not chosen.words:
        return _counts(_kept(tx), chosen)
    groups = _searched(tx, Selection(chosen.words))
    return _bounded(tx, chosen, groups) if _are_more(groups) else _counts(groups, chosen)


def _counts(groups: Sequence[_Group], chosen: Selection) -> Counts:
    values = {name: _counted(groups, chosen, name) for name in Field}
    return Counts(sum(cases for facets, cases in groups if _fits(facets, chosen)), values)


def _bounded(tx: Connection, chosen: Selection, of_words: Sequence[_Group]) -> Counts:
    """Counts of a search whose words fit many cases, each among cases that its filters fit too."""

    def searched(each: Selection) -> Sequence[_Group]:
        return _searched(tx, each) if each.values else of_words

    unmet = [(facets, 0) for facets, _ in _kept(tx)]
    fitting = searched(chosen)
    by_field = {name: searched(chosen.without(name)) if name in chosen.values else fitting for name in Field}
    counted = {name: _counted([*groups, *unmet], chosen, name) for name, groups in by_field.items()}
    values = {name: {value: min(n, _MOST_SEARCHED) for value, n in each.items()} for name, each in counted.items()}
    cases = min(_total(fitting), _MOST_SEARCHED)
    bounded = [name for name, groups in by_field.items() if _are_more(groups)]
    return Counts(cases, values, _are_more(fitting), bounded)


def _total(groups: Iterable[_Group]) -> int:
    return sum(cases for _, cases in groups)


def _are_more(groups: Iterable[_Group]) -> bool:
    return _total(groups) > _MOST_SEARCHED


def sum_up(tx: Connection) -> None:
    """Replace many changes of counts by their sums."""
    changes = select(func.count()).select_from(CASE_COUNTS).where(CASE_COUNTS.c.summed.is_(False))
    if tx.execute(changes).scalar_one() <= _MOST_CHANGES:
        return
    sums: defaultdict[tuple[str | None, ...], int] = defaultdict(int)
    for *key, cases in tx.execute(delete(CASE_COUNTS).returning(*_columns(CASE_COUNTS), CASE_COUNTS.c.cases)):
        sums[tuple(key)] += cases
    if rows := [dict(zip(_KEY, key, strict=True)) | {"cases": n, "summed": True} for key, n in sums.items() if n]:
        tx.execute(insert(CASE_COUNTS), rows)


def _columns(table: Table) -> list[ColumnElement[str | None]]:
    return [table.c[name] for name in _KEY]


def _kept(tx: Connection) -> list[_Group]:
    total = func.sum(CASE_COUNTS.c.cases)
    query = select(*_columns(CASE_COUNTS), total).group_by(*_columns(CASE_COUNTS)).having(total != 0)
    return [_group(row) for row in tx.execute(query)]


def _searched(tx: Connection, chosen: Selection) -> list[_Group]:
    """One case more than `_MOST_SEARCHED` at most."""
    limited = select(*_columns(CASES)).where(*conditions(chosen, CASES)).limit(_MOST_SEARCHED + 1).subquery()
    key = [limited.c[name] for name in _KEY]
    return [_group(row) for row in tx.execute(select(*key, func.count()).group_by(*key))]


def _group(row: Sequence[Any]) -> _Group:
    """A row of the key's columns and a number of cases."""
    state, group, certainty, site, labels, cases = row
    facets: defaultdict[Field, list[str]] = defaultdict(list)
    for label in filter(None, (labels or "").split(_SEPARATOR)):
        name, _, text = label.partition(":")
        facets[Field(name)].append(text)
    standing = certainty if certainty in UNCERTAIN else state or IN_PROGRESS
    values = {Field.STATE: standing, Field.GROUP: group, Field.CERTAINTY: certainty, Field.SITE: site}
    return facets | {name: [value] for name, value in values.items() if value}, int(cases)


def _fits(facets: _Facets, chosen: Selection) -> bool:
    return all(not set(values).isdisjoint(facets.get(name, ())) for name, values in chosen.values.items())


def _counted(groups: Sequence[_Group], chosen: Selection, name: Field) -> Mapping[str, int]:
    others = chosen.without(name)
    counted: defaultdict[str, int] = defaultdict(int)
    for facets, cases in groups:
        if _fits(facets, others):
            for value in facets.get(name, ()):
                counted[value] += cases
    return counted
