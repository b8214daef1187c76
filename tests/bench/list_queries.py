"""What the list and a case cost at the database: times of the store's calls, and the plans of their statements."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Engine, event

from services.results.case_list import Order, PageMark, Selection, selection
from services.results.sql_store import SqlStore
from shared.units import CaseId
from tests.bench.table import Row, Section
from tests.bench.timing import measured

_PAGE = 51
"""A page of the default size, and the case by which a further one is known."""
_LATE = 20
_Statement = tuple[str, Any]
"""SQL and its parameters."""


def compare(store: SqlStore, cases: int, repeats: int) -> Section:
    """p50 and p95 of each call, and a note on each that reads a whole table."""
    rows, notes = list[Row](), list[str]()
    for name, call in _calls(store, cases).items():
        call()
        times_ms = [1000 * measured(call).seconds for _ in range(repeats)]
        rows += [Row(f"{name}, p{q}", "ms", [float(np.quantile(times_ms, q / 100))]) for q in (50, 95)]
        with _statements(store.engine) as statements:
            call()
        notes += [f"{name}: reads all of {table}" for table in sorted(_whole_tables(store.engine, statements))]
    return Section(f"List of {cases} cases at the database, {repeats} calls each", rows, notes)


def _calls(store: SqlStore, cases: int) -> Mapping[str, Callable[[], object]]:
    everything, newest = Selection(), Order.NEWEST
    word, middle = str(cases - 13), CaseId(f"CASE-{cases // 2:07}")
    late, oldest = _late_mark(store), selection(f"case-{'0' * (8 - len(str(cases // 10)))}")
    return {
        "first page": lambda: store.page(everything, newest, _PAGE),
        f"page {_LATE}": lambda: store.page(everything, newest, _PAGE, late),
        "highest risk first": lambda: store.page(everything, Order.HIGHEST_RISK, _PAGE),
        "lowest risk first": lambda: store.page(everything, Order.LOWEST_RISK, _PAGE),
        "search for a part of an id": lambda: store.page(selection(word), newest, _PAGE),
        "search for two characters that begin no part": lambda: store.page(selection("zz"), newest, _PAGE),
        "counts of that word": lambda: store.counts(selection("zz")),
        "search for one character that begins many": lambda: store.page(selection("c"), newest, _PAGE),
        "state, group and site": lambda: store.page(
            selection(state=["scored"], group=["high"], site=["site-3"]), newest, _PAGE
        ),
        "flag": lambda: store.page(selection(flag=["remark"]), newest, _PAGE),
        "search that fits the oldest tenth": lambda: store.page(oldest, newest, _PAGE),
        "counts of that search": lambda: store.counts(oldest),
        "refused cases, highest risk first": lambda: store.page(
            selection(state=["rejected"]), Order.HIGHEST_RISK, _PAGE
        ),
        "counts of all": lambda: store.counts(everything),
        "one case": lambda: store.case(middle),
        "start of progress": lambda: store.activity(datetime.now(UTC) - timedelta(hours=6)),
    }


def _late_mark(store: SqlStore) -> PageMark | None:
    mark: PageMark | None = None
    for _ in range(_LATE - 1):
        mark = store.page(Selection(), Order.NEWEST, _PAGE, mark)[-1][0]
    return mark


@contextmanager
def _statements(engine: Engine) -> Iterator[list[_Statement]]:
    """Collects what is executed meanwhile."""
    statements: list[_Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _whole_tables(engine: Engine, statements: Sequence[_Statement]) -> set[str]:
    """Tables that PostgreSQL would scan from end to end, but for small ones."""
    with engine.connect() as connection:
        plans = [
            connection.exec_driver_sql(f"explain (format json) {statement}", parameters).scalar_one()[0]["Plan"]
            for statement, parameters in statements
            if statement.startswith(("SELECT", "WITH"))
        ]
    return {table for plan in plans for table in _scanned(plan)}


def _scanned(plan: Mapping[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan" and plan["Plan Rows"] >= _PAGE:
        yield plan["Relation Name"]
    for child in plan.get("Plans", ()):
        yield from _scanned(child)
