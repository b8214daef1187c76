"""A case that cannot be scored is told to people, not only to the topic of dead letters."""

from collections.abc import Callable
from pathlib import Path

import pytest
from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored, SlideEmbedded, SlideRejected

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.handler import RescoreCase
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.refusal import SERVICE, RefuseScore
from services.fusion_scorer.routes import routes
from services.fusion_scorer.score_case import ScoreCase
from services.fusion_scorer.snapshot import TakeSnapshot
from shared import keys, model_keys
from shared.blob.memory import MemoryStore
from shared.bus import s3_events, topics
from shared.bus.events import decoder, to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Producer
from shared.errors import PermanentError
from shared.home import Home
from shared.model.errors import BadBundleError
from shared.route import subscriptions
from shared.times import stamp
from shared.worker import Worker
from tests.support.bus import KilledAtLetters, running
from tests.support.fusion import NOON, clinical_json, features, store_slide, write_bundle
from tests.support.polling import eventually
from tests.support.worker_bench import QUICK


class OutOfSortsError(PermanentError):
    reason = "out_of_sorts"
    advice = "Try another test."


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    """A store with a promoted bundle and a case of two slides."""
    store = MemoryStore()
    promote(store, write_bundle(tmp_path / "toy"))
    for slide in ("A", "B"):
        CaseIndex(store).put_slide(store_slide(store, "MB-1", slide, features((0, 2))))
    return store


def request(case: str = "MB-1") -> CaseRescoreRequested:
    return CaseRescoreRequested(event_id="e" * 32, case_id=case, cause="operator", as_of=stamp(NOON))


def handled(store: MemoryStore, event: CaseRescoreRequested, until: str) -> MemoryBus:
    """The bus once the scorer's answer to the event is on topic `until`."""
    bus = MemoryBus()
    served = routes(store, Bundles(store), bus.producer(), "0.0", lambda _: None, Home("medulla"))
    bus.producer().send([to_record(event, "test")])
    worker = Worker(SERVICE, bus.consumer(SERVICE, subscriptions(SERVICE, served)), bus.producer(), served, QUICK)
    with running(worker.run):
        eventually(lambda: bus.records(until))
    return bus


def rejections_of(store: MemoryStore, case: str = "MB-1") -> list[SlideRejected]:
    """What the scorer says of a request that ends as a dead letter."""
    bus = handled(store, request(case), topics.DEAD_LETTERS)
    return [decoder(SlideRejected)(record) for record in bus.records(topics.SLIDES_REJECTED)]


def bag_of(store: MemoryStore, slide: str) -> SlideEmbedded:
    return next(event for event in CaseIndex(store).slides(keys.case_id("MB-1", "")) if event.slide.slide_id == slide)


def alter(store: MemoryStore) -> None:
    store.put(bag_of(store, "B").bag.key, b"something else")


def lose(store: MemoryStore) -> None:
    store.delete(bag_of(store, "B").bag.key)


def embed_anew(store: MemoryStore) -> None:
    event = bag_of(store, "B")
    event.bag.encoder_digest = "f" * 64
    for key in [key for key in CaseIndex(store).entries(keys.case_id("MB-1", "")) if "/B@" in key]:
        store.delete(key)
    CaseIndex(store).put_slide(event)


@pytest.mark.parametrize(
    ("harm", "reason"), [(alter, "digest_mismatch"), (lose, "digest_mismatch"), (embed_anew, "encoder_mismatch")]
)
def test_the_slide_at_fault_is_named(store: MemoryStore, harm: Callable[[MemoryStore], None], reason: str) -> None:
    harm(store)
    (rejection,) = rejections_of(store)
    assert (rejection.case_id, rejection.slide_id, rejection.reason, rejection.service) == (
        "MB-1",
        "B",
        reason,
        "fusion_scorer",
    )
    assert rejection.object_key == bag_of(store, "B").bag.key
    assert rejection.thumbnail_key == f"{bag_of(store, 'B').plan.prefix}thumbnail.jpg"
    assert "B" in rejection.sentence or rejection.object_key in rejection.sentence
    assert rejection.advice


def test_a_bundle_that_cannot_be_used_is_no_slides_fault(store: MemoryStore) -> None:
    store.put(model_keys.CURRENT_BUNDLE, b"{")
    (rejection,) = rejections_of(store)
    assert (rejection.case_id, rejection.slide_id, rejection.object_key, rejection.reason) == (
        "MB-1",
        "",
        "",
        "bad_bundle",
    )
    assert rejection.thumbnail_key == ""


def test_a_case_of_which_nothing_is_stored_is_told(store: MemoryStore) -> None:
    (rejection,) = rejections_of(store, "MB-9")
    assert (rejection.case_id, rejection.slide_id, rejection.reason) == ("MB-9", "", "bad_case_id")


def test_a_request_that_names_no_case_is_a_dead_letter_alone(store: MemoryStore) -> None:
    assert rejections_of(store, "../etc") == []


def test_a_later_score_beats_a_refusal_and_a_later_refusal_beats_a_score(store: MemoryStore) -> None:
    score = ScoreCase(store, Bundles(store), "0.0")
    first = score(keys.case_id("MB-1", "")).revision
    rejection = RefuseScore(store)(request(), OutOfSortsError("Something is wrong."))
    assert rejection is not None
    assert first < rejection.object_etag < score(keys.case_id("MB-1", "")).revision


def test_a_case_that_nobody_knows_stays_unknown(store: MemoryStore) -> None:
    rejections_of(store, "MB-9")
    assert not CaseIndex(store).has_case(keys.case_id("MB-9", ""))


def test_the_same_refusal_is_said_in_the_same_bytes(store: MemoryStore) -> None:
    rejections = [RefuseScore(store)(request(), OutOfSortsError("Something is wrong.")) for _ in range(2)]
    assert rejections[0] == rejections[1]


def test_a_refusal_that_the_case_has_already_is_no_other_dead_letter(store: MemoryStore) -> None:
    lose(store)
    (first,) = rejections_of(store)
    rescore = RescoreCase(ScoreCase(store, Bundles(store), "0.0"), CaseIndex(store))
    assert list(rescore(request())) == [first]
    store.put(model_keys.CURRENT_BUNDLE, b"{")
    with pytest.raises(BadBundleError):
        rescore(request())


def test_a_refusal_whose_process_is_killed_before_its_letter_is_one_of_the_next_process(store: MemoryStore) -> None:
    lose(store)
    bus = MemoryBus()
    served = routes(store, Bundles(store), bus.producer(), "0.0", lambda _: None, Home("medulla"))
    read = subscriptions(SERVICE, served)
    bus.producer().send([to_record(request(), "test")])
    producers: list[Producer] = [KilledAtLetters(bus.producer()), bus.producer()]
    for producer in producers:
        with running(Worker(SERVICE, bus.consumer(SERVICE, read), producer, served, QUICK).run) as worker:
            eventually(lambda: not bus.lag(SERVICE, read) or worker.error is not None)
    assert len(bus.records(topics.DEAD_LETTERS)) == 1
    (refused,) = RescoreCase(ScoreCase(store, Bundles(store), "0.0"), CaseIndex(store))(request())
    assert isinstance(refused, SlideRejected)


def test_a_case_with_a_damaged_index_is_scored_with_its_slides_left_out_and_they_are_announced(
    store: MemoryStore,
) -> None:
    case = keys.case_id("MB-1", "")
    before = ScoreCase(store, Bundles(store), "0.0")(case)
    store.put(keys.clinical(case), clinical_json(stage="M1"))
    for info in list(store.list(keys.indexed(case))):
        store.put(info.key, b"\x80garbage")
    bus = handled(store, request(), topics.CASES_SCORED)
    scored = [decoder(CaseScored)(record) for record in bus.records(topics.CASES_SCORED)]
    assert all(event.revision > before.revision for event in scored)
    assert {s3_events.decode(record).key for record in bus.records(topics.S3_EVENTS)} == {
        "slides/MB-1/A",
        "slides/MB-1/B",
    }
    assert not bus.records(topics.DEAD_LETTERS)


def test_an_internal_error_of_a_case_is_told_and_outdates_its_score(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TypeError("a bug")

    before = ScoreCase(store, Bundles(store), "0.0")(keys.case_id("MB-1", ""))
    monkeypatch.setattr(TakeSnapshot, "__call__", fail)
    (rejection,) = rejections_of(store)
    assert (rejection.case_id, rejection.object_key, rejection.reason) == ("MB-1", "", "internal_error")
    assert rejection.object_etag > before.revision
