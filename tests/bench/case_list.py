"""The list of many cases over PostgreSQL: answers of REST, and the page in a browser."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from playwright.sync_api import sync_playwright

from services.results.http_server import HttpServer
from services.results.rest import Backends, create_app
from services.results.sql_store import SqlStore
from shared.blob.memory import MemoryStore
from shared.bus.memory import MemoryBus
from shared.rpc.auth import OpenOnLoopback
from tests.bench import list_queries
from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.bench.timing import Work, measured, p95
from tests.support.parts import PostgresPart
from tests.support.results import running

_HOST = "127.0.0.1"
_QUERIES = {
    "first page": "cases",
    "highest risk first": "cases?sort=-risk",
    "search for a part of an id": "cases?q=9987",
    "state, group and site": "cases?state=scored&group=high&site=site-3",
    "flag and order by risk": "cases?flag=remark&sort=risk",
    "counts of all": "case-counts",
    "counts of a search": "case-counts?q=998&state=scored",
}
_LATE_PAGES = 20
_CASES = """
insert into cases (case_id, updated_at, revision, listed_revision, state, risk_group, certainty, site_id,
                   horizon_years, risk, risk_lo, risk_hi, risk_level, labels)
select 'CASE-' || lpad(n::text, 7, '0'), timestamptz '2026-01-01' + n * interval '37 seconds', 1, 1,
       (array['scored', 'scored', 'scored', 'scored', 'abstained', 'rejected', 'in_progress'])[1 + mod(n, 7)],
       (array['high', 'low', ''])[1 + mod(n, 3)], (array['clear', 'clear', 'too_uncertain'])[1 + mod(n, 3)],
       'site-' || mod(n, 12),
       case when mod(n, 7) < 4 then 3 end, case when mod(n, 7) < 4 then (mod(n * 7919::bigint, 1000)) / 1000.0 end,
       case when mod(n, 7) < 4 then 0.1 end, case when mod(n, 7) < 4 then 0.9 end, case when mod(n, 7) < 4 then 0.9 end,
       concat_ws(chr(31), case when mod(n, 10) = 3 then 'flag:remark' end, 'flag:simulated',
                 case when mod(n, 7) = 5 then 'reason:no_tissue' end)
from generate_series(1, {cases}) n
"""
_LABELS = """
insert into case_labels (case_id, field, label, position)
select case_id, 'flag', 'simulated', 0 from cases
union all select case_id, 'flag', 'remark', 1 from cases where right(case_id, 1) = '3'
union all select case_id, 'reason', 'no_tissue', 0 from cases where state = 'rejected'
"""


@dataclass(frozen=True, slots=True)
class ListSize:
    """How many cases, and how often each answer is measured."""

    cases: int
    repeats: int
    page_repeats: int


def compare(postgres: PostgresPart, browser: Callable[[], str], size: Size) -> list[Section]:
    """The list at the database, and over HTTP: each query, a late page, all as CSV, the page until its rows stand."""
    with _filled(postgres, size.listed_cases) as store:
        at_the_database = list_queries.compare(store, size.listed_cases, 10 * size.repeats)
        return [at_the_database, _over_http(store, browser(), size)]


def _over_http(store: SqlStore, browser: str, size: Size) -> Section:
    amount = ListSize(size.listed_cases, 10 * size.repeats, size.repeats)
    with _served(store) as address:
        rows = [_row(name, _timed(partial(_get, address, path), amount.repeats)) for name, path in _QUERIES.items()]
        rows.append(_row(f"page {_LATE_PAGES} by its token", _timed(_late_page(address), amount.repeats)))
        rows.append(_row("all cases as CSV", _timed(partial(_get, address, "cases.csv"), amount.page_repeats)))
        rows.append(_row("page in Chromium until rows and counts stand", _page(address, browser, amount.page_repeats)))
    title = f"List of {amount.cases} cases in PostgreSQL"
    return Section(
        title, rows, [f"p95 of {amount.repeats} answers over HTTP, of {amount.page_repeats} for CSV and page"]
    )


def _row(what: str, times_ms: Sequence[float]) -> Row:
    return Row(f"{what}, p95", "ms", [p95(times_ms)])


@contextmanager
def _filled(postgres: PostgresPart, cases: int) -> Iterator[SqlStore]:
    store = SqlStore(postgres.database())
    store.migrate()
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("set statement_timeout = 0", _CASES.format(cases=cases), _LABELS):
            connection.exec_driver_sql(statement)
        store.refresh_summaries()
        connection.exec_driver_sql("vacuum analyze")
    with closing(store):
        yield store


@contextmanager
def _served(store: SqlStore) -> Iterator[str]:
    app = create_app(Backends(store, MemoryStore(), OpenOnLoopback(_HOST), MemoryBus().producer()))
    server = HttpServer(_HOST, 0, app)
    with running(server):
        yield f"http://{_HOST}:{server.port}"


def _timed(call: Work, repeats: int) -> list[float]:
    """Milliseconds of each call, after one that is not counted."""
    call()
    return [1000 * measured(call).seconds for _ in range(repeats)]


def _get(address: str, path: str) -> bytes:
    with urllib.request.urlopen(f"{address}/api/v1/{path}", timeout=60) as answer:  # noqa: S310 - a server of this process
        return bytes(answer.read())


def _late_page(address: str) -> Callable[[], bytes]:
    token = ""
    for _ in range(_LATE_PAGES - 1):
        token = json.loads(_get(address, f"cases?page_size=200&page_token={token}"))["next_page_token"]
    return lambda: _get(address, f"cases?page_size=200&page_token={token}")


def _page(address: str, browser: str, repeats: int) -> list[float]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page()

        def opened() -> None:
            page.goto("about:blank")
            page.goto(f"{address}/#/?state=scored&sort=-risk")
            page.wait_for_selector(".cases tbody tr:nth-child(50)")
            page.wait_for_selector(".total:not(:empty)")

        times = _timed(opened, repeats)
        chromium.close()
    return times
