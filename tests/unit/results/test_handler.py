"""Events are kept once, and a score only where its bytes are the announced ones."""

import hashlib

import pytest
from medulla.v1.events_pb2 import CaseScored
from prometheus_client import REGISTRY

from services.results.errors import DatabaseDownError, ScoreMismatchError
from services.results.handler import RecordProgress, RecordRejection, RecordScore
from services.results.routes import routes
from services.results.sql_store import SqlStore
from shared.blob.port import ObjectChangedError
from shared.bus import topics
from shared.keys import BadCaseIdError
from shared.units import CaseId
from tests.support import scores as made
from tests.support.results import Results


def stored(results: Results, data: bytes) -> CaseScored:
    """An event whose object holds `data`, as the digest says."""
    event = made.scored(made.score("MB-1"), made.at(1))
    results.blobs.put_new(event.score_key, data)
    event.score_digest = hashlib.sha256(data).hexdigest()
    return event


def test_a_score_is_kept_as_it_was_written(results: Results) -> None:
    score = results.score(made.score("MB-1"))
    kept = results.store.scores(CaseId("MB-1"))
    assert [one.body for one in kept] == [made.body(score)]


def test_the_time_from_landing_to_result_is_counted_once_a_score(results: Results) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("medulla_landing_to_result_seconds_count") or 0.0

    before, event = counted(), stored(results, made.body(made.score("MB-1")).encode())
    for _ in range(2):
        RecordScore(results.blobs, results.store)(event)
    assert counted() == before + 1


def test_a_score_that_is_not_in_the_store_is_refused(results: Results) -> None:
    with pytest.raises(ObjectChangedError):
        RecordScore(results.blobs, results.store)(made.scored(made.score("MB-1"), made.at(1)))


def test_altered_bytes_are_refused(results: Results) -> None:
    event = made.scored(made.score("MB-1"), made.at(1))
    results.blobs.put_new(event.score_key, made.body(made.score("MB-1")).encode() + b" ")
    with pytest.raises(ScoreMismatchError, match="has digest"):
        RecordScore(results.blobs, results.store)(event)
    assert results.store.case(CaseId("MB-1")) is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"risks": 1}'])
def test_bytes_that_are_no_score_are_refused(results: Results, data: bytes) -> None:
    with pytest.raises(ScoreMismatchError):
        RecordScore(results.blobs, results.store)(stored(results, data))


def test_the_score_of_another_case_is_refused(results: Results) -> None:
    event = stored(results, made.body(made.score("MB-2")).encode())
    with pytest.raises(ScoreMismatchError, match="of case 'MB-2'"):
        RecordScore(results.blobs, results.store)(event)


def test_ids_that_are_no_pseudonyms_are_refused(results: Results) -> None:
    with pytest.raises(BadCaseIdError):
        RecordRejection(results.store)(made.rejected("../x", "A", made.at(1)))
    with pytest.raises(BadCaseIdError):
        RecordProgress(results.store)(made.progress("a b", "A", 1, made.at(1)))


def test_a_database_that_is_away_means_later() -> None:
    away = SqlStore("postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseDownError, match="does not answer") as caught:
        RecordProgress(away)(made.progress("MB-1", "A", 1, made.at(1)))
    assert "secret" not in str(caught.value)


def test_every_topic_of_results_has_its_route(results: Results) -> None:
    served = routes(results.blobs, results.store)
    assert [route.topic for route in served] == [topics.CASES_SCORED, topics.SLIDES_REJECTED, topics.PROGRESS]
