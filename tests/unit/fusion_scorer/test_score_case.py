"""A stored case as a score: what it is dated, which bags are refused, and what if things stood otherwise."""

from datetime import UTC

import pytest
from medulla.v1.scorer_pb2 import ScoreCaseRequest

from services.fusion_scorer.errors import BadBagError, EncoderMismatchError, UnknownCaseError
from services.fusion_scorer.promoted import promote
from shared import model_keys
from shared.keys import BadCaseIdError
from shared.model.errors import BadBundleError, BadClinicalRecordError
from tests.support.fusion import clinical_json, features, store_slide, write_bundle
from tests.support.scorer import CASE, Scorer


def test_as_of_is_the_newest_time_among_the_inputs(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2), minutes=5)
    pointer = scorer.store.head(model_keys.CURRENT_BUNDLE)
    assert pointer is not None
    assert scorer.score_case(CASE).as_of.ToDatetime(UTC) == pointer.last_modified


def test_a_new_input_and_a_promotion_make_the_revision_greater(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    first = scorer.score_case(CASE).revision
    scorer.slide("B", (0, 2))
    second = scorer.score_case(CASE).revision
    scorer.promote("better")
    assert first < second < scorer.score_case(CASE).revision


def test_an_altered_bag_is_refused(scorer: Scorer) -> None:
    event = store_slide(scorer.store, CASE, "A", features((0, 2)))
    scorer.store.put(event.bag.key, b"something else")
    scorer.index_slide(event)
    with pytest.raises(BadBagError, match="was altered") as caught:
        scorer.score_case(CASE)
    assert caught.value.reason == "digest_mismatch"


def test_features_that_are_no_numbers_are_refused(scorer: Scorer) -> None:
    scorer.slide("A", (0, float("nan")))
    with pytest.raises(BadBagError, match="no numbers"):
        scorer.score_case(CASE)


def test_a_bag_or_a_plan_that_is_gone_is_refused(scorer: Scorer) -> None:
    event = store_slide(scorer.store, CASE, "A", features((0, 2)))
    scorer.index_slide(event)
    for key in (f"{event.plan.prefix}plan.json", event.bag.key):
        scorer.store.delete(key)
        with pytest.raises(BadBagError, match=f"{key} of slide A is gone"):
            scorer.score_case(CASE)


def test_bags_of_another_encoder_than_the_bundles_are_refused(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    encoder = {"name": "other", "digest": "e" * 64}
    promote(scorer.store, write_bundle(scorer.folder / "other", entries={"encoder": encoder}))
    with pytest.raises(EncoderMismatchError):
        scorer.score_case(CASE)


def test_what_if_stores_nothing(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    before = [info.key for info in scorer.store.list("")]
    response = scorer.what_if(
        ScoreCaseRequest(case_id=CASE, clinical_json=clinical_json(stage="M1", group="G3").decode())
    )
    assert response.model == "fused"
    assert [info.key for info in scorer.store.list("")] == before
    assert response.slides[0].attention_key == ""


def test_what_if_can_leave_the_slides_out_and_ask_another_bundle(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    scorer.land("clinical/MB-1.json", clinical_json(stage="M1"))
    assert scorer.what_if(ScoreCaseRequest(case_id=CASE, without_slides=True)).modalities_missing == [
        "molecular",
        "slides",
    ]
    first = scorer.bundles.promoted().bundle.digest
    scorer.promote("better")
    assert scorer.what_if(ScoreCaseRequest(case_id=CASE, bundle_digest=first)).provenance.bundle_name == "toy"
    assert scorer.what_if(ScoreCaseRequest(case_id=CASE)).provenance.bundle_name == "better"


def test_what_if_refuses_what_it_cannot_answer(scorer: Scorer) -> None:
    with pytest.raises(UnknownCaseError) as unknown:
        scorer.what_if(ScoreCaseRequest(case_id="MB-9"))
    assert unknown.value.reason == "not_found"
    with pytest.raises(BadCaseIdError):
        scorer.what_if(ScoreCaseRequest(case_id="../etc"))
    scorer.slide("A", (0, 2))
    with pytest.raises(BadClinicalRecordError):
        scorer.what_if(ScoreCaseRequest(case_id=CASE, clinical_json="{}x"))
    with pytest.raises(BadBundleError):
        scorer.what_if(ScoreCaseRequest(case_id=CASE, bundle_digest="0" * 64))
