"""Many cases are scored again in the background: what did not change is looked up, and an operator can stop it."""

import json

import pytest
from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored

from shared import keys, model_keys
from shared.bus import topics
from shared.bus.events import to_record
from shared.bus.s3_events import ObjectHint
from shared.rescoring import BackgroundStop, RescoringRequest
from tests.support.fusion import clinical_json
from tests.support.scorer import CASE, Scorer


@pytest.fixture
def scored(scorer: Scorer) -> Scorer:
    """A case with a slide and a record that was scored."""
    scorer.slide("A", (0, 2))
    scorer.land("clinical/MB-1.json", clinical_json(stage="M0"))
    scorer.score_case(CASE)
    return scorer


def promotion(scorer: Scorer) -> list[CaseRescoreRequested]:
    return scorer.requested(ObjectHint(model_keys.CURRENT_BUNDLE, "medulla"))


def drop_bags(scorer: Scorer) -> None:
    """Without its bag a case cannot be scored, only looked up."""
    for info in list(scorer.store.list("embeddings/")):
        scorer.store.delete(info.key)


def test_a_repeated_event_is_answered_without_reading_the_inputs(scored: Scorer) -> None:
    first = scored.score_case(CASE)
    drop_bags(scored)
    assert scored.score_case(CASE) == first


def test_the_same_bundle_promoted_again_scores_no_case_again(scored: Scorer) -> None:
    first = scored.score_case(CASE)
    scored.promote()
    drop_bags(scored)
    (again,) = scored.rescored()
    assert (again.score_id, again.revision, again.event_id) == (first.score_id, first.revision, first.event_id)


def test_a_changed_input_another_bundle_and_a_lost_score_are_scored(scored: Scorer) -> None:
    events = [scored.score_case(CASE)]
    scored.land("clinical/MB-1.json", clinical_json(stage="M1"))
    events.append(scored.score_case(CASE))
    scored.promote("better")
    events += scored.rescored()
    assert len({event.score_id for event in events}) == len({event.revision for event in events}) == 3
    scored.store.delete(events[-1].score_key)
    assert scored.score_case(CASE) == _live(events[-1])
    assert scored.store.head(events[-1].score_key)


def test_a_promotion_asks_and_answers_on_the_topics_that_give_way(scored: Scorer) -> None:
    scored.promote("better")
    (request,) = promotion(scored)
    (event,) = scored.in_background(request)
    assert to_record(request, "test").topic == topics.CASES_RESCORE_BACKGROUND
    assert to_record(event, "test").topic == topics.CASES_SCORED_BACKGROUND
    assert to_record(scored.score_case(CASE), "test").topic == topics.CASES_SCORED


def test_a_stop_drops_requests_until_the_next_promotion(scored: Scorer) -> None:
    scored.promote("better")
    (request,) = promotion(scored)
    BackgroundStop(scored.store).set()
    assert list(scored.in_background(request)) == []
    (request,) = promotion(scored)
    assert [event.case_id for event in scored.in_background(request)] == [CASE]


def test_a_repeated_event_leaves_the_time_of_the_promotion(scored: Scorer) -> None:
    scored.promote("better")
    promotion(scored)
    first = RescoringRequest.stored(scored.store)
    promotion(scored)
    assert first is not None
    assert (first, first.bundle) == (RescoringRequest.stored(scored.store), scored.bundles.promoted().bundle.digest)


def test_the_record_of_an_older_program_is_completed_by_the_next_score(scored: Scorer) -> None:
    first = scored.score_case(CASE)
    (info,) = scored.store.list(keys.places(CASE))
    written = json.loads(scored.store.get(info.key))
    del written["score"]
    scored.store.put(info.key, json.dumps(written).encode())
    assert scored.score_case(CASE) == first
    assert "basis" in json.loads(scored.store.get(info.key))["score"]


def _live(event: CaseScored) -> CaseScored:
    copy = CaseScored()
    copy.CopyFrom(event)
    copy.background = False
    return copy
