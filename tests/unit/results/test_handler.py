"""Events are kept once, and a score only where its bytes are the announced ones."""

import hashlib

import pytest
from medulla.v1.events_pb2 import CaseScored, SlideRejected
from medulla.v1.results_pb2 import CASE_STATE_IN_PROGRESS, CASE_STATE_SCORED, CASE_STATE_WITHDRAWN
from prometheus_client import REGISTRY
from sqlalchemy import select

from services.results import case_state
from services.results.errors import DatabaseDownError, ScoreMismatchError
from services.results.handler import RecordProgress, RecordRejection, RecordScore
from services.results.queries import Queries
from services.results.routes import routes
from services.results.schema import AUDIT
from services.results.sql_store import SqlStore
from shared.blob.port import ObjectChangedError
from shared.bus import topics
from shared.keys import BadCaseIdError
from shared.tracing import span
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.results import Results


def stored(results: Results, data: bytes) -> CaseScored:
    """An event whose object holds `data`, as the digest says."""
    event = samples.scored(samples.score("MB-1"), samples.at(1))
    results.blobs.put_new(event.score_key, data)
    event.score_digest = hashlib.sha256(data).hexdigest()
    return event


def test_a_score_is_kept_as_it_was_written(results: Results) -> None:
    score = results.score(samples.score("MB-1"))
    kept = results.store.scores(CaseId("MB-1"))
    assert [item.body for item in kept] == [samples.body(score)]


def test_the_time_from_landing_to_result_is_counted_once_a_score(results: Results) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("medulla_landing_to_result_seconds_count") or 0.0

    before, event = counted(), stored(results, samples.body(samples.score("MB-1")).encode())
    for _ in range(2):
        RecordScore(results.blobs, results.store)(event)
    assert counted() == before + 1


def test_a_score_that_is_not_in_the_store_is_refused(results: Results) -> None:
    with pytest.raises(ObjectChangedError):
        RecordScore(results.blobs, results.store)(samples.scored(samples.score("MB-1"), samples.at(1)))


def test_altered_bytes_are_refused(results: Results) -> None:
    event = samples.scored(samples.score("MB-1"), samples.at(1))
    results.blobs.put_new(event.score_key, samples.body(samples.score("MB-1")).encode() + b" ")
    with pytest.raises(ScoreMismatchError, match="has digest"):
        RecordScore(results.blobs, results.store)(event)
    assert results.store.case(CaseId("MB-1")) is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"risks": 1}'])
def test_bytes_that_are_no_score_are_refused(results: Results, data: bytes) -> None:
    with pytest.raises(ScoreMismatchError):
        RecordScore(results.blobs, results.store)(stored(results, data))


def test_the_score_of_another_case_is_refused(results: Results) -> None:
    event = stored(results, samples.body(samples.score("MB-2")).encode())
    with pytest.raises(ScoreMismatchError, match="of case 'MB-2'"):
        RecordScore(results.blobs, results.store)(event)


def test_ids_that_are_no_pseudonyms_are_refused(results: Results) -> None:
    with pytest.raises(BadCaseIdError):
        RecordRejection(results.blobs, results.store)(samples.rejected("../x", "A", samples.at(1)))
    with pytest.raises(BadCaseIdError):
        RecordProgress(results.store)(samples.progress("a b", "A", 1, samples.at(1)))


def test_a_database_that_is_away_means_later() -> None:
    away = SqlStore("postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseDownError, match="does not answer") as caught:
        RecordProgress(away)(samples.progress("MB-1", "A", 1, samples.at(1)))
    assert "secret" not in str(caught.value)


def test_every_topic_of_results_has_its_route(results: Results) -> None:
    served = routes(results.blobs, results.store)
    assert [route.topic for route in served] == [
        *topics.SCORED,
        topics.SLIDES_REJECTED,
        topics.PROGRESS,
        topics.CASES_ERASE,
    ]


def refused(results: Results, slide: str, etag: str = "") -> SlideRejected:
    """A refusal of a slide that lies in the bucket."""
    rejection = samples.rejected("MB-1", slide, samples.at(1))
    info = results.blobs.put(rejection.object_key, slide.encode())
    rejection.object_etag = etag or info.etag
    return rejection


def shown(results: Results) -> list[str]:
    facts = results.store.case(CaseId("MB-1"))
    return [item.slide_id for item in case_state.open_rejections(facts)] if facts else []


def test_a_refusal_is_kept_while_the_refused_version_stands(results: Results) -> None:
    keep = RecordRejection(results.blobs, results.store)
    for item in (refused(results, "A"), refused(results, "B", etag="older")):
        keep(item)
    removed = refused(results, "C")
    results.blobs.delete(removed.object_key)
    keep(removed)
    unknown = samples.rejected("MB-1", "D", samples.at(1))
    unknown.ClearField("as_of")
    keep(unknown)
    keep(samples.rejected("MB-1", "E", samples.at(1)))
    assert shown(results) == ["A", "E"]


def test_the_refusal_of_a_deleted_slide_goes_with_the_next_word_about_the_case(results: Results) -> None:
    for item in (refused(results, "A"), refused(results, "B")):
        RecordRejection(results.blobs, results.store)(item)
    results.blobs.delete("slides/MB-1/A")
    results.score(samples.score("MB-1", slides=["C"]), 2, [("slides/MB-1/C.svs", "c")])
    assert shown(results) == ["B"]
    results.blobs.delete("slides/MB-1/B")
    results.withdraw("MB-1", 3)
    assert shown(results) == []


def test_a_withdrawn_case_keeps_its_scores_and_is_scored_again_by_a_later_one(results: Results) -> None:
    results.score(samples.score("MB-1"), 1)
    results.withdraw("MB-1", 2)
    answer = Queries(results.store, results.blobs).get_case("MB-1")
    assert (answer.summary.state, answer.HasField("score")) == (CASE_STATE_WITHDRAWN, False)
    assert answer.withdrawn == "All slides, records and vectors of the case were deleted."
    assert [item.current for item in results.store.scores(CaseId("MB-1"))] == [False]
    results.score(samples.score("MB-1", version="2"), 3)
    answer = Queries(results.store, results.blobs).get_case("MB-1")
    assert (answer.summary.state, answer.withdrawn) == (CASE_STATE_SCORED, "")


def test_a_slide_that_was_deleted_at_work_is_not_under_way_any_more(results: Results) -> None:
    deleted = refused(results, "A")
    results.blobs.delete(deleted.object_key)
    results.withdraw("MB-1", 2)
    RecordProgress(results.store)(samples.progress("MB-1", "A", 1, samples.at(3)))
    RecordProgress(results.store)(samples.progress("MB-1", "B", 1, samples.at(1)))
    RecordRejection(results.blobs, results.store)(deleted)
    facts = results.store.case(CaseId("MB-1"))
    assert facts is not None
    assert [progress.slide_id for progress in facts.progress] == ["B"]
    assert case_state.summary(facts).state == CASE_STATE_WITHDRAWN


def test_a_slide_that_was_replaced_at_work_stays_under_way(results: Results) -> None:
    replaced = refused(results, "A", etag="older")
    RecordProgress(results.store)(samples.progress("MB-1", "A", 1, samples.at(3)))
    RecordRejection(results.blobs, results.store)(replaced)
    facts = results.store.case(CaseId("MB-1"))
    assert facts is not None
    assert case_state.summary(facts).state == CASE_STATE_IN_PROGRESS


def test_the_audit_record_says_why_a_score_is_no_longer_made_from_a_slide(results: Results) -> None:
    results.score(samples.score("MB-1", slides=["A1", "A2"]), 1)
    results.score(samples.score("MB-1", version="2", slides=["A2"]), 2)
    results.withdraw("MB-1", 3)
    with results.store.engine.connect() as connection:
        why = connection.execute(select(AUDIT.c.why).order_by(AUDIT.c.seq)).scalars().all()
    assert why == [
        None,
        f"No longer made from the slide with SHA-256 {samples.digest('MB-1/A1')}.",
        "All slides, records and vectors of the case were deleted.",
    ]
    assert results.store.verify_chain().intact


def test_progress_is_kept_with_the_trace_of_the_work_that_reported_it(results: Results) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with span("results progress", {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}):
        RecordProgress(results.store)(samples.progress("MB-1", "A", 1, samples.at(3)))
    facts = results.store.case(CaseId("MB-1"))
    assert facts is not None
    assert facts.traces == {"A": trace}
