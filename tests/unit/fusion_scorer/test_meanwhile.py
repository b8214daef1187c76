"""While a promoted bundle is loaded live cases are scored by the one before, and then again by it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Event
from typing import TypeVar

import pytest
from google.protobuf.json_format import Parse
from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer import promoted
from services.fusion_scorer.background import after_promotion
from services.fusion_scorer.encoder_bags import PassedOver
from services.fusion_scorer.handler import RescoreCase
from services.fusion_scorer.last_good import LastGood
from services.fusion_scorer.promoted import Bundles
from shared import metrics, model_keys
from shared.bus.s3_events import ObjectHint
from shared.errors import TransientError
from shared.model.bundle_files import VerifiedFiles
from shared.model.errors import BadClinicalRecordError, BadVectorsError
from shared.model.profile import Profile
from shared.model.record import ClinicalRecord, parse_record
from shared.slides.served_encoders import serve
from shared.units import CaseId, Sha256
from tests.support.fusion import ENCODER, clinical_json, digest, features, store_slide
from tests.support.polling import eventually
from tests.support.scorer import CASE, Scorer

Answer = TypeVar("Answer")
_PATIENCE_S = 30


class Loading:
    """A scorer that has scored by one bundle, and whose next one is loaded until it may end."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.began, self.may_end = Event(), Event()
        self.failure: BaseException | None = None
        self.bundles = Bundles(scorer.store, trial=self._held, last_good=LastGood(scorer.store))
        self.may_end.set()
        self.before = self.bundles.promoted().bundle.digest
        self.requests: list[CaseRescoreRequested] = []
        score_case = replace(scorer.score_case, bundles=self.bundles, score_again=self._again)
        self.rescore = RescoreCase(score_case, scorer.index)

    def _held(self, _: VerifiedFiles) -> None:
        if self.failure is not None:
            raise self.failure
        self.began.set()
        assert self.may_end.wait(_PATIENCE_S)

    def _again(self, case: CaseId, bundle: Sha256, since: datetime) -> None:
        self.requests += after_promotion(bundle, since, [case])

    @contextmanager
    def at_work(self, promote: Callable[[str], Sha256]) -> Iterator[Sha256]:
        """Another thread loads the next bundle, of this digest, for as long as the block."""
        with ThreadPoolExecutor(1) as pool:
            self.began.clear()
            self.may_end.clear()
            digest = promote("newer")
            loaded = pool.submit(self.bundles.promotion)
            assert self.began.wait(_PATIENCE_S)
            try:
                yield digest
            finally:
                self.may_end.set()
            assert loaded.result(_PATIENCE_S).bundle.digest == digest

    def scored_by(self, promotion: Sha256 | None = None) -> Sha256:
        (event,) = self.rescore(CaseRescoreRequested(case_id=CASE), promotion)
        assert isinstance(event, CaseScored)
        score = Parse(self.scorer.store.get(event.score_key), Score())
        return Sha256(score.provenance.bundle_digest)

    def waiting(self, ask: Callable[[], Answer]) -> Answer:
        """The answer of what waits until the bundle is loaded."""
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask)
            with pytest.raises(TimeoutError):
                answer.result(0.2)
            self.may_end.set()
            return answer.result(_PATIENCE_S)


@pytest.fixture
def loading(scorer: Scorer) -> Loading:
    scorer.slide("A", (0, 2))
    scorer.land("clinical/MB-1.json", clinical_json(stage="M0"))
    return Loading(scorer)


def test_a_live_case_is_scored_by_the_bundle_before_and_asks_for_the_next(loading: Loading, scorer: Scorer) -> None:
    with loading.at_work(scorer.promote) as digest:
        assert loading.scored_by() == loading.before
        assert [request.background for request in loading.requests] == [True]
    (request,) = loading.requests
    assert (request.case_id, request.cause) == (CASE, digest)
    assert loading.scored_by(digest) == digest
    assert loading.scored_by() == digest
    assert len(loading.requests) == 1


def test_the_first_live_case_starts_the_load_and_does_not_wait_for_it(loading: Loading, scorer: Scorer) -> None:
    loading.began.clear()
    loading.may_end.clear()
    digest = scorer.promote("newer")
    assert loading.scored_by() == loading.before
    assert loading.began.wait(_PATIENCE_S)
    loading.may_end.set()
    eventually(lambda: loading.bundles.promoted().bundle.digest == digest)


def test_a_load_that_fails_unexpectedly_is_an_incident_that_keeps_no_live_case_and_is_tried_again(
    loading: Loading, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promoted, "_LOAD_AGAIN_S", 0.0)
    incidents = metrics.INTERNAL_ERRORS.labels("bundle", "OSError")
    before = incidents._value.get()
    loading.failure = OSError("no more processes")
    digest = scorer.promote("newer")
    assert loading.scored_by() == loading.before
    eventually(lambda: incidents._value.get() > before)
    loading.failure = None
    eventually(lambda: loading.bundles.promoted().bundle.digest == digest)


def test_a_load_that_fails_is_not_tried_for_every_live_case(loading: Loading, scorer: Scorer) -> None:
    incidents = metrics.INTERNAL_ERRORS.labels("bundle", "MemoryError")
    before = incidents._value.get()
    loading.failure = MemoryError()
    scorer.promote("newer")
    assert loading.scored_by() == loading.before
    eventually(lambda: incidents._value.get() > before)
    for _ in range(3):
        assert loading.scored_by() == loading.before
    assert incidents._value.get() == before + 1


def test_a_promotion_that_was_found_bad_is_not_loaded_for_every_live_case(loading: Loading, scorer: Scorer) -> None:
    scorer.store.put(model_keys.CURRENT_BUNDLE, b'{"digest": "' + 64 * b"f" + b'", "name": "never"}')
    assert loading.bundles.promoted(waits=True).bundle.digest == loading.before
    assert loading.scored_by() == loading.before
    assert not loading.requests


def test_the_request_is_the_one_of_the_promotion_itself(loading: Loading, scorer: Scorer) -> None:
    with loading.at_work(scorer.promote):
        loading.scored_by()
    assert loading.requests == scorer.requested(ObjectHint(model_keys.CURRENT_BUNDLE, "medulla"))


def test_what_a_promotion_asks_for_waits_for_its_bundle(loading: Loading, scorer: Scorer) -> None:
    with loading.at_work(scorer.promote) as digest:
        assert loading.waiting(lambda: loading.scored_by(digest)) == digest
    assert not loading.requests


def test_without_a_bundle_before_the_first_one_is_awaited(scorer: Scorer) -> None:
    loading = Loading(scorer)
    loading.bundles = Bundles(scorer.store, trial=loading._held, last_good=LastGood(scorer.store))
    with loading.at_work(scorer.promote) as digest:
        assert loading.waiting(loading.bundles.promoted).bundle.digest == digest


def test_an_input_that_the_bundle_before_refuses_is_shown_to_the_next(loading: Loading, scorer: Scorer) -> None:
    reads = iter([False, True])

    def read(data: bytes, case: CaseId, profile: Profile) -> ClinicalRecord:
        if not next(reads):
            raise BadClinicalRecordError("the profile before knows no such stage")
        return parse_record(data, case, profile)

    landing = replace(scorer.landing, bundles=loading.bundles, read_record=read)
    scorer.store.put("clinical/MB-1.json", clinical_json(stage="M1"))
    with loading.at_work(scorer.promote):
        requests = loading.waiting(lambda: list(landing(ObjectHint("clinical/MB-1.json", "medulla"))))
    assert [request.case_id for request in requests] == ["MB-1"]
    assert not scorer.index.refused("clinical/MB-1.json")


def test_a_vector_is_checked_by_the_next_bundle_whose_blocks_it_may_be_of(loading: Loading, scorer: Scorer) -> None:
    landing, key = replace(scorer.landing, bundles=loading.bundles), "vectors/MB-1/blood.json"
    scorer.store.put(key, b"{")

    def land() -> None:
        list(landing(ObjectHint(key, "medulla")))

    with loading.at_work(scorer.promote_vectors), pytest.raises(BadVectorsError):
        loading.waiting(land)


def test_a_bag_that_the_bundle_before_would_pass_over_waits_for_the_next(loading: Loading, scorer: Scorer) -> None:
    serve(scorer.store, "embedder", "toy-encoder", ENCODER)
    is_passed_over = PassedOver(scorer.store, loading.bundles)
    read = store_slide(scorer.store, CASE, "B", features((0, 2)))
    other = store_slide(scorer.store, CASE, "C", features((0, 2)))
    read.bag.encoder_digest, other.bag.encoder_digest = ENCODER, digest(b"the other encoder")
    with loading.at_work(scorer.promote):
        assert not is_passed_over(read)
        assert loading.waiting(lambda: is_passed_over(other))


def test_a_case_that_the_bundle_before_refuses_is_tried_again(scorer: Scorer) -> None:
    def read(*_: object) -> ClinicalRecord:
        raise BadClinicalRecordError("the profile before knows no such stage")

    scorer.land("clinical/MB-1.json", clinical_json(stage="M0"))
    loading = Loading(scorer)
    refusing = RescoreCase(replace(loading.rescore.score_case, read_record=read), scorer.index)
    with loading.at_work(scorer.promote), pytest.raises(TransientError, match="the one before refuses"):
        list(refusing(CaseRescoreRequested(case_id=CASE)))
    with pytest.raises(BadClinicalRecordError):
        list(refusing(CaseRescoreRequested(case_id=CASE)))


def test_a_score_that_did_not_change_is_asked_for_again_too(loading: Loading, scorer: Scorer) -> None:
    loading.scored_by()
    with loading.at_work(scorer.promote):
        assert loading.scored_by() == loading.before
    assert len(loading.requests) == 1


def test_a_case_that_the_next_bundle_scored_elsewhere_waits_for_it(loading: Loading, scorer: Scorer) -> None:
    with loading.at_work(scorer.promote) as digest:
        elsewhere = replace(scorer.score_case, bundles=Bundles(scorer.store))
        elsewhere(CASE)
        assert loading.waiting(loading.scored_by) == digest
    assert not loading.requests
