"""What lands leads to scores: newest slide wins, records are checked, promotion scores every case again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored

from services.fusion_scorer.errors import NothingToScoreError
from services.fusion_scorer.score_case import NOTHING_LEFT
from shared import keys, model_keys
from shared.blob.port import BlobInfo
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.errors import InternalError, TransientError
from shared.keys import BadCaseIdError
from shared.model.errors import BadClinicalRecordError
from tests.support.fusion import clinical_json, features, store_slide
from tests.support.scorer import CASE, Scorer


def test_an_embedded_slide_is_remembered_and_asks_for_a_score(scorer: Scorer) -> None:
    (request,) = scorer.slide("A", (0, 2))
    assert request.case_id == CASE
    assert [event.slide.slide_id for event in scorer.index.slides(CASE)] == ["A"]
    (scored,) = scorer.rescore(request)
    assert isinstance(scored, CaseScored)
    assert scored.score_key == f"scores/MB-1/{scored.score_id}.json"


def test_the_same_event_three_times_writes_the_same_score_once(scorer: Scorer) -> None:
    requests = [scorer.slide("A", (0, 2))[0] for _ in range(3)]
    scored = [next(iter(scorer.rescore(request))) for request in requests]
    assert scored[0] == scored[1] == scored[2]
    assert len(list(scorer.store.list("scores/"))) == 1
    assert len(list(scorer.store.list("attention/"))) == 1


def test_the_version_that_stands_counts_whenever_it_landed_and_a_stale_event_changes_nothing(scorer: Scorer) -> None:
    first = store_slide(scorer.store, CASE, "A", features((0, 8)), minutes=5)
    older = store_slide(scorer.store, CASE, "A", features((0, 2)), minutes=1)
    for event in (older, first):
        scorer.index_slide(event)
    assert scorer.score().log_risk == pytest.approx(0.5 * (2 - 1) / 2)
    scorer.slide("A", (0, 4), minutes=9)
    assert scorer.score().log_risk == pytest.approx(0.5 * (4 - 1) / 2)


def test_a_landed_record_is_indexed_and_scores_the_case(scorer: Scorer) -> None:
    (request,) = scorer.land("clinical/MB-1.json", clinical_json(stage="M1"))
    assert request.case_id == CASE
    entry = json.loads(scorer.store.get(keys.indexed_clinical(CASE)))
    assert entry["rejected"] is None
    assert entry["digest"] == sha256(clinical_json(stage="M1"))
    assert scorer.score().model == "clinical"


def test_a_bad_record_is_refused_and_the_slides_are_scored_without_it(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    scorer.store.put("clinical/MB-1.json", clinical_json(stage="M9"))
    hint = ObjectHint("clinical/MB-1.json", "medulla")
    with pytest.raises(BadClinicalRecordError) as caught:
        scorer.landing(hint)
    assert [event.case_id for event in scorer.announced] == [CASE]
    rejection = scorer.landing.rejected(hint, caught.value)
    assert rejection is not None
    assert (rejection.case_id, rejection.slide_id, rejection.reason) == (CASE, "", "bad_clinical_record")
    assert 'stage is "M9"' in rejection.sentence
    assert "M9" in json.loads(scorer.store.get(keys.indexed_clinical(CASE)))["rejected"]
    assert scorer.score().model == "pathomics"


def test_a_version_that_is_refused_is_one_dead_letter_however_often_it_is_announced(scorer: Scorer) -> None:
    """The sweep's announcement and the store's event may cross; a person who replays a dead letter gets an answer."""
    scorer.store.put("clinical/MB-1.json", clinical_json(stage="M9"))
    hint = ObjectHint("clinical/MB-1.json", "medulla")
    with pytest.raises(BadClinicalRecordError) as caught:
        list(scorer.landing(hint))
    rejection = scorer.landing.rejected(hint, caught.value)
    assert rejection is not None
    scorer.landing.reported(rejection)
    assert list(scorer.landing(hint)) == [rejection]
    with pytest.raises(BadClinicalRecordError):
        list(scorer.landing(replace(hint, replayed=True)))
    assert list(scorer.landing(hint)) == [rejection]
    scorer.store.put("clinical/MB-1.json", clinical_json(stage="M8"))
    with pytest.raises(BadClinicalRecordError, match="M8"):
        list(scorer.landing(hint))


def test_a_refusal_is_raised_again_until_it_was_reported(scorer: Scorer) -> None:
    """Kafka does not answer first; then the process is killed before it has the dead letter."""

    def announce(_: CaseRescoreRequested) -> None:
        raise TransientError("Kafka does not answer")

    scorer.slide("A", (0, 2))
    scorer.store.put("clinical/MB-1.json", clinical_json(stage="M9"))
    hint = ObjectHint("clinical/MB-1.json", "medulla")
    with pytest.raises(TransientError):
        list(replace(scorer.landing, announce=announce)(hint))
    for _ in range(2):
        with pytest.raises(BadClinicalRecordError) as caught:
            list(scorer.landing(hint))
        rejection = scorer.landing.rejected(hint, caught.value)
    assert rejection is not None
    scorer.landing.reported(rejection)
    assert list(scorer.landing(hint)) == [rejection]


def test_the_report_of_an_older_version_leaves_the_newer_one_to_be_reported(scorer: Scorer) -> None:
    hint = ObjectHint("clinical/MB-1.json", "medulla")
    with pytest.raises(BadClinicalRecordError) as older:
        scorer.land(hint.key, clinical_json(stage="M9"))
    with pytest.raises(BadClinicalRecordError):
        scorer.land(hint.key, clinical_json(stage="M8"))
    stale = scorer.landing.rejected(hint, older.value)
    assert stale is not None
    scorer.landing.reported(stale)
    with pytest.raises(BadClinicalRecordError) as newer:
        scorer.landing(hint)
    assert '"M8"' in str(newer.value)


@pytest.mark.parametrize(
    "data", [b" " * 2_000_000, b"[" * 200_000, b'{"stage": "\\ud83d"}', b'{"age": 1' + b"0" * 400 + b"}"]
)
def test_a_hostile_record_is_refused_in_one_sentence_that_is_kept(scorer: Scorer, data: bytes) -> None:
    with pytest.raises(BadClinicalRecordError) as caught:
        scorer.land("clinical/MB-1.json", data)
    assert json.loads(scorer.store.get(keys.indexed_clinical(CASE)))["rejected"] == str(caught.value)
    assert scorer.landing.rejected(ObjectHint("clinical/MB-1.json", "medulla"), caught.value) is not None


def test_a_record_that_was_given_up_is_not_started_again_by_a_sweep(scorer: Scorer) -> None:
    info = scorer.store.put("clinical/MB-1.json", clinical_json(stage="M0"))
    assert scorer.landing.unseen(info)
    scorer.landing.rejected(ObjectHint(info.key, "medulla"), InternalError("unexpected ValueError"))
    assert not scorer.landing.unseen(info)
    assert scorer.landing.unseen(scorer.store.put(info.key, clinical_json(stage="M1")))


def test_a_bad_record_of_a_case_without_slides_is_only_refused(scorer: Scorer) -> None:
    with pytest.raises(BadClinicalRecordError):
        scorer.land("clinical/MB-1.json", b"{")
    assert not scorer.announced
    with pytest.raises(BadClinicalRecordError, match="is no JSON"):
        scorer.score_case(CASE)


def test_promotion_passes_over_a_case_with_nothing_but_a_refused_record(scorer: Scorer) -> None:
    with pytest.raises(BadClinicalRecordError):
        scorer.land("clinical/MB-1.json", b"{")
    scorer.promote("better")
    assert not scorer.rescored()


def test_a_record_that_only_the_promoted_bundle_refuses_is_refused_for_what_is_wrong_with_it(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path)
    scorer.land("clinical/MB-1.json", clinical_json(stage="M9"))
    scorer.promote()
    with pytest.raises(BadClinicalRecordError, match='stage is "M9"'):
        scorer.rescored()


def test_promotion_finds_a_case_whose_record_is_gone_withdrawn(scorer: Scorer) -> None:
    scorer.land("clinical/MB-1.json", clinical_json(stage="M0"))
    scorer.store.delete("clinical/MB-1.json")
    (event,) = scorer.rescored()
    assert (event.nothing_left, event.score_id, event.withdrawn) == (True, "", NOTHING_LEFT)


def test_a_case_that_was_never_heard_of_is_no_case(scorer: Scorer) -> None:
    with pytest.raises(NothingToScoreError) as caught:
        scorer.rescore(CaseRescoreRequested(event_id="e", case_id="MB-9"))
    assert caught.value.reason == "bad_case_id"


def test_a_record_of_another_case_is_refused(scorer: Scorer) -> None:
    with pytest.raises(BadClinicalRecordError, match="stored for MB-1"):
        scorer.land("clinical/MB-1.json", clinical_json("MB-2", stage="M0"))


@pytest.mark.parametrize("name", ["a b.json", "MB-1.txt", "MB-1.JSON", "x/MB-1.json", "MB-1"])
def test_a_record_under_a_bad_key_is_refused(scorer: Scorer, name: str) -> None:
    key = f"{keys.CLINICAL}{name}"
    with pytest.raises(BadCaseIdError) as caught:
        scorer.land(key, clinical_json())
    rejection = scorer.landing.rejected(ObjectHint(key, "medulla"), caught.value)
    assert rejection is not None
    assert (rejection.case_id, rejection.object_key, rejection.reason) == ("", key, "bad_case_id")
    info = scorer.store.head(key)
    assert info is not None
    assert not scorer.landing.unseen(info)


@pytest.mark.parametrize(
    "name",
    ["MB-1.json.part", "MB-1.json.tmp", "MB-1.crdownload", ".DS_Store", ".MB-1.json", "MB-1.xml", "MB-1.json~", "x/"],
)
def test_unfinished_hidden_and_companion_files_beside_records_are_passed_over(scorer: Scorer, name: str) -> None:
    key = f"{keys.CLINICAL}{name}"
    info = replace(scorer.store.put("clinical/MB-1.json", b"{"), key=key)
    assert not list(scorer.landing(ObjectHint(key, "medulla")))
    assert scorer.landing.rejected(ObjectHint(key, "medulla"), InternalError("unexpected")) is None
    assert not scorer.landing.unseen(info)
    assert keys.named_in(key) == {}


@pytest.mark.parametrize(
    "key", ["slides/MB-1/A.svs", "scores/MB-1/x.json", "models/bundles/x/bundle.json", "clinical/"]
)
def test_objects_of_others_are_let_go_by(scorer: Scorer, key: str) -> None:
    assert not list(scorer.landing(ObjectHint(key, "medulla")))


def test_a_hint_of_a_record_that_is_gone_does_nothing(scorer: Scorer) -> None:
    assert not list(scorer.landing(ObjectHint("clinical/MB-1.json", "medulla")))


def test_the_sweep_sees_records_that_no_event_announced(scorer: Scorer) -> None:
    unseen = scorer.store.put("clinical/MB-1.json", clinical_json(stage="M0"))
    assert scorer.landing.unseen(unseen)
    scorer.landing(ObjectHint("clinical/MB-1.json", "medulla"))
    assert not scorer.landing.unseen(unseen)
    assert scorer.landing.unseen(scorer.store.put("clinical/MB-1.json", clinical_json(stage="M1")))


def test_promotion_asks_for_a_score_of_every_case_and_changes_it(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    scorer.land("clinical/MB-2.json", clinical_json("MB-2", stage="M0"))
    before = scorer.score()
    digest = scorer.promote("better")
    requests = scorer.requested(ObjectHint(model_keys.CURRENT_BUNDLE, "medulla"))
    assert [request.case_id for request in requests] == ["MB-1", "MB-2"]
    assert {request.cause for request in requests} == {digest}
    after = scorer.score()
    assert (before.provenance.bundle_name, after.provenance.bundle_name) == ("toy", "better")
    assert before.score_id != after.score_id


def test_the_sweep_sees_a_promotion_that_no_event_announced(scorer: Scorer) -> None:
    def pointer() -> BlobInfo:
        info = scorer.store.head(model_keys.CURRENT_BUNDLE)
        assert info is not None
        return info

    assert scorer.landing.unseen_promotion(pointer())
    scorer.landing(ObjectHint(model_keys.CURRENT_BUNDLE, "medulla"))
    assert not scorer.landing.unseen_promotion(pointer())
    scorer.promote("better")
    assert scorer.landing.unseen_promotion(pointer())


def test_without_a_bundle_a_case_waits_in_the_index(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path)
    (request,) = scorer.slide("A", (0, 2))
    assert not list(scorer.rescore(request))
    assert list(scorer.land("clinical/MB-1.json", clinical_json(stage="M0")))
    scorer.promote()
    assert [request.case_id for request in scorer.landing(ObjectHint(model_keys.CURRENT_BUNDLE, "m"))] == [CASE]
