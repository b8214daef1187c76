"""Every periodic job over cases in which nothing changed costs the pages of its listings, and no request a case."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from services.results.sql_store import SqlStore
from shared import keys
from shared.blob.memory import MemoryStore
from shared.erased import ErasedCases
from shared.slides.served_encoders import serve
from shared.units import CaseId
from tests.bench.archive_jobs import periodic
from tests.bench.stored_cases import GROUP, add, case_id, encoder
from tests.support import scores as samples
from tests.support.counting_store import CountingStore

_SETTLING_RUNS = 2


def _costs(folder: Path, cases: int) -> Mapping[str, Counter[str]]:
    """Requests of each job by method, after runs that looked at every case."""
    store = CountingStore(MemoryStore())
    with closing(SqlStore(f"sqlite:///{folder / str(cases)}.db")) as results:
        results.migrate()
        _store(store, results, cases)
        jobs = periodic(store, results)
        for _ in range(_SETTLING_RUNS):
            for job in jobs.values():
                job()
        costs = dict[str, Counter[str]]()
        for name, job in jobs.items():
            store.requests.clear()
            job()
            costs[name] = Counter(store.requests)
    return costs


def _store(store: CountingStore, results: SqlStore, cases: int) -> None:
    """Cases as the services leave them, whose slides results has an answer for; another one is erased."""
    serve(store, GROUP, encoder().name, encoder().digest)
    ErasedCases(store).add(CaseId("GONE"))
    for case in map(case_id, range(cases)):
        add(store, case)
        for slide in store.list(keys.slides(case)):
            refusal = samples.rejected(case, slide.key.rpartition("/")[2], samples.at(1))
            refusal.object_key, refusal.object_etag = slide.key, slide.etag
            results.record_rejection(refusal)


def test_four_times_as_many_settled_cases_cost_the_same_requests_while_listings_have_one_page(tmp_path: Path) -> None:
    few, many = _costs(tmp_path, 10), _costs(tmp_path, 40)
    assert few == many
    assert few["results: slides that wait"]["list"] == 1
