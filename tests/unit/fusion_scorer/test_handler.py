"""What lands leads to scores: newest slide wins, records are checked, promotion scores every case again."""

import json
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from medulla.v1.events_pb2 import CaseRescoreRequested
from medulla.v1.scorer_pb2 import Score, ScoreCaseRequest

from services.fusion_scorer.bundle_files import StoredFiles, verify
from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.errors import (
    BadBagError,
    BadBundleError,
    BadClinicalRecordError,
    EncoderMismatchError,
    NoBundleError,
    NothingToScoreError,
    UnknownCaseError,
)
from services.fusion_scorer.handler import IndexSlide, OnLanding, RescoreCase
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score_case import ScoreCase, WhatIf
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.keys import BadCaseIdError
from shared.units import CaseId, Sha256
from tests.support.fusion import clinical_json, facts, features, store_slide, write_bundle

CASE = CaseId("MB-1")


@dataclass
class Scorer:
    """The scorer's handlers on a store of its own."""

    folder: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    announced: list[CaseRescoreRequested] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bundles = Bundles(self.store)
        self.index = CaseIndex(self.store)
        self.index_slide = IndexSlide(self.index)
        self.landing = OnLanding(self.store, self.index, self.bundles, self.announced.append)
        self.score_case = ScoreCase(self.store, self.bundles, "0.0")
        self.rescore = RescoreCase(self.score_case)
        self.what_if = WhatIf(self.store, self.bundles, "0.0")

    def promote(self, name: str = "toy") -> Sha256:
        return promote(self.store, write_bundle(self.folder / name, said={"name": name})).digest

    def land(self, key: str, data: bytes) -> list[CaseRescoreRequested]:
        self.store.put(key, data)
        return list(self.landing(ObjectHint(key, "medulla")))

    def slide(self, slide: str, *rows: tuple[float, float], minutes: float = 0) -> list[CaseRescoreRequested]:
        return list(self.index_slide(store_slide(self.store, CASE, slide, features(*rows), minutes)))

    def score(self) -> Score:
        """Score the case and read what was stored."""
        event = self.score_case(CASE)
        data = self.store.get(event.score_key)
        assert sha256(data) == event.score_digest
        return Parse(data, Score())


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    made = Scorer(tmp_path)
    made.promote()
    return made


def test_an_embedded_slide_is_remembered_and_asks_for_a_score(scorer: Scorer) -> None:
    (request,) = scorer.slide("A", (0, 2))
    assert request.case_id == CASE
    assert [event.slide.slide_id for event in scorer.index.slides(CASE)] == ["A"]
    (scored,) = scorer.rescore(request)
    assert scored.score_key == f"scores/MB-1/{scored.score_id}.json"


def test_the_same_event_three_times_writes_the_same_score_once(scorer: Scorer) -> None:
    requests = [scorer.slide("A", (0, 2))[0] for _ in range(3)]
    scored = [next(iter(scorer.rescore(request))) for request in requests]
    assert scored[0] == scored[1] == scored[2]
    assert len(list(scorer.store.list("scores/"))) == 1
    assert len(list(scorer.store.list("attention/"))) == 1


def test_a_later_landing_of_a_slide_replaces_it_and_a_stale_event_does_not(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2), minutes=5)
    scorer.slide("A", (0, 8), minutes=1)
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
    said = scorer.landing.rejected(hint, caught.value)
    assert said is not None
    assert (said.case_id, said.slide_id, said.reason) == (CASE, "", "bad_clinical_record")
    assert 'stage is "M9"' in said.sentence
    assert "M9" in json.loads(scorer.store.get(keys.indexed_clinical(CASE)))["rejected"]
    assert scorer.score().model == "pathomics"


def test_a_bad_record_of_a_case_without_slides_is_only_refused(scorer: Scorer) -> None:
    with pytest.raises(BadClinicalRecordError):
        scorer.land("clinical/MB-1.json", b"{")
    assert not scorer.announced
    with pytest.raises(NothingToScoreError) as caught:
        scorer.score_case(CASE)
    assert caught.value.reason == "bad_case_id"


def test_a_record_of_another_case_is_refused(scorer: Scorer) -> None:
    with pytest.raises(BadClinicalRecordError, match="stored for MB-1"):
        scorer.land("clinical/MB-1.json", clinical_json("MB-2", stage="M0"))


@pytest.mark.parametrize("key", ["clinical/a b.json", "clinical/MB-1.txt", "clinical/x/MB-1.json"])
def test_a_record_under_a_bad_key_is_refused(scorer: Scorer, key: str) -> None:
    with pytest.raises(BadCaseIdError) as caught:
        scorer.land(key, clinical_json())
    assert scorer.landing.rejected(ObjectHint(key, "medulla"), caught.value) is None
    info = scorer.store.head(key)
    assert info is not None
    assert not scorer.landing.unseen(info)


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
    requests = list(scorer.landing(ObjectHint(keys.CURRENT_BUNDLE, "medulla")))
    assert [request.case_id for request in requests] == ["MB-1", "MB-2"]
    assert {request.cause for request in requests} == {digest}
    after = scorer.score()
    assert (before.provenance.bundle_name, after.provenance.bundle_name) == ("toy", "better")
    assert before.score_id != after.score_id


def test_the_sweep_sees_a_promotion_that_no_event_announced(scorer: Scorer) -> None:
    def pointer() -> BlobInfo:
        info = scorer.store.head(keys.CURRENT_BUNDLE)
        assert info is not None
        return info

    assert scorer.landing.unseen(pointer())
    scorer.landing(ObjectHint(keys.CURRENT_BUNDLE, "medulla"))
    assert not scorer.landing.unseen(pointer())
    scorer.promote("better")
    assert scorer.landing.unseen(pointer())


def test_without_a_bundle_a_case_waits_in_the_index(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path)
    (request,) = scorer.slide("A", (0, 2))
    assert not list(scorer.rescore(request))
    assert list(scorer.land("clinical/MB-1.json", clinical_json(stage="M0")))
    scorer.promote()
    assert [request.case_id for request in scorer.landing(ObjectHint(keys.CURRENT_BUNDLE, "m"))] == [CASE]


def test_as_of_is_the_newest_time_among_the_inputs(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2), minutes=5)
    pointer = scorer.store.head(keys.CURRENT_BUNDLE)
    assert pointer is not None
    assert scorer.score_case(CASE).as_of.ToDatetime(UTC) == pointer.last_modified


def test_a_new_input_and_a_promotion_make_the_revision_greater(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    one = scorer.score_case(CASE).revision
    scorer.slide("B", (0, 2))
    two = scorer.score_case(CASE).revision
    scorer.promote("better")
    assert one < two < scorer.score_case(CASE).revision


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
    promote(scorer.store, write_bundle(scorer.folder / "other", said={"encoder": encoder}))
    with pytest.raises(EncoderMismatchError):
        scorer.score_case(CASE)


def test_a_stored_bundle_altered_by_one_byte_is_refused(scorer: Scorer) -> None:
    key = keys.bundle_prefix(verify(scorer.folder / "toy").digest) + "clinical.json"
    scorer.store.put(key, scorer.store.get(key) + b" ")
    scorer.slide("A", (0, 2))
    with pytest.raises(BadBundleError, match=r"clinical\.json of models/bundles/"):
        scorer.score_case(CASE)


def test_a_stored_bundle_json_under_a_foreign_digest_is_refused(scorer: Scorer) -> None:
    other = Sha256("f" * 64)
    for name, data in verify(scorer.folder / "toy").files.items():
        scorer.store.put(keys.bundle_prefix(other) + name, data)
    assert verify(StoredFiles(scorer.store, other)).digest != other
    with pytest.raises(BadBundleError, match="its SHA-256 is another"):
        scorer.bundles.by_digest(other)


@pytest.mark.parametrize("pointer", [b"", b"[]", b'{"name": "toy"}', b"{"])
def test_a_garbled_pointer_is_refused(scorer: Scorer, pointer: bytes) -> None:
    scorer.store.put(keys.CURRENT_BUNDLE, pointer)
    with pytest.raises(BadBundleError, match=r"current\.json does not name a bundle"):
        scorer.bundles.promoted()


def test_no_bundle_is_said_as_such(tmp_path: Path) -> None:
    with pytest.raises(NoBundleError):
        Scorer(tmp_path).bundles.promoted()


def test_what_if_stores_nothing(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    before = [info.key for info in scorer.store.list("")]
    said = scorer.what_if(ScoreCaseRequest(case_id=CASE, clinical_json=clinical_json(stage="M1", group="G3").decode()))
    assert said.model == "fused"
    assert [info.key for info in scorer.store.list("")] == before
    assert said.slides[0].attention_key == ""


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


def test_promoting_a_broken_bundle_leaves_the_pointer_alone(scorer: Scorer) -> None:
    before = scorer.store.get(keys.CURRENT_BUNDLE)
    folder = write_bundle(scorer.folder / "broken", said={"arms": [{**facts()["arms"][0], "file": "absent.json"}]})
    with pytest.raises(BadBundleError):
        promote(scorer.store, folder)
    assert scorer.store.get(keys.CURRENT_BUNDLE) == before
