"""Which slides wait: those that landed and were neither scored nor refused in the version that lies there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from medulla.v1.events_pb2 import STAGE_EMBEDDING, Progress
from prometheus_client import REGISTRY

from services.results.pending_slides import PendingSlides
from services.results.ports import CaseFacts
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.times import stamp
from shared.units import CaseId
from shared.waiting import publish, read_waiting
from tests.support import scores as samples
from tests.support.dicom_series import series
from tests.support.mirax import mirax
from tests.support.results import Results

CASE = "MB-1"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class _Bucket(MemoryStore):
    """Objects that landed when the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.landed: list[BlobInfo] = []

    def land(self, key: str, minutes: float, millis: int = 0, etag: str = "") -> BlobInfo:
        info = BlobInfo(key, 7, etag or f"{minutes}", samples.at(minutes) + timedelta(milliseconds=millis))
        self.landed.append(info)
        return info

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:  # noqa: ARG002 - the port names it
        return bytes(end - start)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        yield from sorted((info for info in self.landed if info.key.startswith(prefix)), key=lambda info: info.key)


@pytest.fixture
def bucket() -> _Bucket:
    return _Bucket()


@pytest.fixture
def look(results: Results, bucket: _Bucket) -> PendingSlides:
    return PendingSlides(bucket, results.store, now=lambda: samples.at(90))


def _ages(look: PendingSlides) -> tuple[float, float]:
    """Slides that wait, and minutes that the oldest has waited."""
    look()
    names = ("medulla_waiting_slides", "medulla_oldest_waiting_slide_seconds")
    slides, seconds = (REGISTRY.get_sample_value(name) or 0.0 for name in names)
    return slides, seconds / 60


A1, A2 = f"slides/{CASE}/A1.svs", f"slides/{CASE}/A2.svs"


def test_a_slide_that_landed_waits_until_a_score_used_it(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    bucket.land(A1, 30, millis=250)
    bucket.land(A2, 31)
    assert _ages(look) == pytest.approx((2, 60), abs=0.01)
    results.score(samples.score(CASE, slides=["A1.svs"]), 30, [(A1, "30")])
    assert _ages(look) == pytest.approx((1, 59), abs=0.01)
    results.score(samples.score(CASE, version="2", slides=["A1.svs", "A2.svs"]), 31, [(A1, "30"), (A2, "31")])
    assert _ages(look) == (0, 0)


def test_a_slide_put_again_waits_again_however_old_it_is(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    bucket.land(A1, 30)
    results.score(samples.score(CASE, slides=["A1.svs"]), 30, [(A1, "30")])
    assert _ages(look) == (0, 0)
    bucket.landed.clear()
    bucket.land(A1, 20)
    assert _ages(look) == pytest.approx((1, 70), abs=0.01)


def test_a_score_of_an_older_program_answers_by_its_times(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    bucket.land(A1, 30)
    results.score(samples.score(CASE, slides=["A1.svs"]), minutes=30)
    assert _ages(look) == (0, 0)
    bucket.land(A1, 80)
    assert _ages(look) == pytest.approx((1, 10), abs=0.01)


def test_a_version_that_lands_again_byte_for_byte_does_not_wait(results: Results, bucket: _Bucket) -> None:
    results.score(samples.score(CASE, slides=["A1.svs"]), 30, [(A1, "same")])
    refused = samples.rejected(CASE, "A2.svs", samples.at(30))
    refused.object_etag = "blank"
    results.store.record_rejection(refused)
    bucket.land(A1, 80, etag="same")
    bucket.land(A2, 80, etag="blank")
    assert _ages(PendingSlides(bucket, results.store, now=lambda: samples.at(90))) == (0, 0)


def test_the_refusal_of_one_version_answers_no_other(results: Results, bucket: _Bucket, look: PendingSlides) -> None:
    refused = samples.rejected(CASE, "A1.svs", samples.at(60))
    refused.object_etag = "bad"
    results.store.record_rejection(refused)
    bucket.land(A1, 30, etag="good")
    assert _ages(look)[0] == 1


def test_a_refused_slide_does_not_wait_and_a_refused_record_answers_none(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 30)
    results.store.record_rejection(samples.rejected(CASE, "", samples.at(40)))
    assert _ages(look)[0] == 1
    results.store.record_rejection(samples.rejected(CASE, "A1.svs", samples.at(30)))
    assert _ages(look)[0] == 0


def test_a_refusal_of_an_older_version_does_not_answer_the_newer(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 50)
    results.store.record_rejection(samples.rejected(CASE, "A1.svs", samples.at(30)))
    assert _ages(look)[0] == 1


def test_an_answered_slide_is_asked_about_once(
    results: Results, bucket: _Bucket, look: PendingSlides, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 30)
    results.score(samples.score(CASE, slides=["A1.svs"]), 30, [(A1, "30")])
    look()

    def ask(case: CaseId) -> CaseFacts | None:
        raise AssertionError(case)

    monkeypatch.setattr(results.store, "case", ask)
    assert _ages(look)[0] == 0
    assert _ages(PendingSlides(bucket, results.store, now=lambda: samples.at(90)))[0] == 0


def test_companions_folders_and_keys_without_a_case_are_no_slides(bucket: _Bucket, look: PendingSlides) -> None:
    for key in (
        "slides/c d/a.svs",
        "slides/c/",
        "slides/c/a.mrxs",
        "slides/c/a.xml",
        "slides/c/a/Data0.dat",
        "slides/stray.svs",
    ):
        bucket.land(key, 1)
    assert _ages(look)[0] == 1


def test_a_slide_that_cannot_be_judged_waits_and_hides_no_other(
    results: Results, bucket: _Bucket, look: PendingSlides, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.score(samples.score(CASE, slides=["A1"]), minutes=30)
    bucket.land(f"slides/{CASE}/A1.svs", 30)
    bucket.land("slides/MB-2/A1.svs", 60)
    case_of = results.store.case

    def case(case_id: CaseId) -> CaseFacts | None:
        if case_id == CASE:
            raise ValueError("a row that nobody thought of")
        return case_of(case_id)

    monkeypatch.setattr(results.store, "case", case)
    assert _ages(look) == pytest.approx((2, 60), abs=0.01)
    hidden, other = read_waiting(bucket, lambda: ()).slides
    assert (hidden.why, other.why) == ("how far it has come could not be read", "no service has begun with it")


def test_a_slide_of_several_files_waits_once(results: Results) -> None:
    store = MemoryStore()
    for name, data in {**series(), **mirax("A"), "S.xml": b"<a/>", "S.svs.part": b"half"}.items():
        store.put(f"slides/{CASE}/{name}", data)
    assert _ages(PendingSlides(store, results.store, now=lambda: samples.at(90)))[0] == 2


def test_each_pending_slide_is_listed_with_the_stage_that_was_reported_last(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    bucket.land(A1, 1)
    bucket.land(A2, 2)
    at = stamp(samples.at(3))
    stage = Progress(event_id="p", case_id=CASE, slide_id="A2.svs", stage=STAGE_EMBEDDING, done=40, total=100, at=at)
    results.store.record_progress(stage, TRACE)
    look()
    first, second = read_waiting(bucket, lambda: ()).slides
    assert (first.slide_id, first.stage, first.since) == ("A1.svs", "landed", samples.at(1))
    assert (first.why, first.trace) == ("no service has begun with it", "")
    assert (second.slide_id, second.stage, second.since) == ("A2.svs", "embedding", samples.at(3))
    assert (second.why, second.trace) == ("embedding 40 of 100", TRACE)
    assert REGISTRY.get_sample_value("medulla_waiting_slides_by_stage", {"stage": "embedding"}) == 1


def test_a_list_that_another_replica_published_lately_is_served_without_a_look(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    bucket.land(A1, 30)
    look()
    bucket.land(A2, 31)
    assert _ages(PendingSlides(bucket, results.store, 300, lambda: samples.at(91))) == pytest.approx((1, 61), abs=0.01)
    assert _ages(PendingSlides(bucket, results.store, 300, lambda: samples.at(94))) == pytest.approx((1, 64), abs=0.01)
    assert _ages(PendingSlides(bucket, results.store, 300, lambda: samples.at(95)))[0] == 2


def test_a_list_from_a_clock_that_was_far_ahead_is_not_served(
    results: Results, bucket: _Bucket, look: PendingSlides
) -> None:
    publish(bucket, [], samples.at(6000))
    bucket.land(A1, 30)
    assert _ages(PendingSlides(bucket, results.store, 300, look.now)) == pytest.approx((1, 60), abs=0.01)
