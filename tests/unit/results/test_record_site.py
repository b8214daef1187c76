"""The site of a score's record is read once, however often the case is scored from it."""

import pytest

from services.results.handler import RecordScore
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.counting_store import CountingStore
from tests.support.results import Results

RECORDS = {site: f'{{"case_id": "MB-1", "site_id": "{site}"}}'.encode() for site in ("north", "south")}


def record(results: Results, store: CountingStore, version: str, site: str) -> str:
    """Record a score of the case's record of this site; the site that it has then."""
    score = samples.score("MB-1", version)
    score.provenance.clinical_digest = samples.digest(RECORDS[site].decode())
    event = samples.scored(score, samples.at(int(version)))
    results.blobs.put("clinical/MB-1.json", RECORDS[site])
    results.blobs.put_new(event.score_key, samples.body(score).encode())
    RecordScore(store, results.store)(event)
    return results.store.scores(CaseId("MB-1"))[0].site


@pytest.mark.parametrize(("second", "requests"), [("north", 1), ("south", 3)])
def test_a_score_of_the_same_record_costs_one_request(results: Results, second: str, requests: int) -> None:
    store = CountingStore(results.blobs)
    assert record(results, store, "1", "north") == "north"
    store.requests.clear()
    assert record(results, store, "2", second) == second
    assert store.requests.total() == requests
