"""Which slides wait: those that landed and were neither scored nor refused in the version that lies there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.protobuf import json_format
from medulla.v1.events_pb2 import SlideEmbedded, SlideRejected
from prometheus_client import REGISTRY

from services.results.case_state import input_times
from services.results.ports import CaseFacts
from services.results.waiting import Waiting
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.bus.events import event_id
from shared.times import stamp
from shared.units import CaseId, SlideId
from tests.support import scores as made
from tests.support.results import Results

CASE = "MB-1"


class _Bucket(MemoryStore):
    """Objects that landed when the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.landed: list[BlobInfo] = []

    def land(self, key: str, minutes: float, millis: int = 0, etag: str = "") -> BlobInfo:
        info = BlobInfo(key, 7, etag or f"{minutes}", made.at(minutes) + timedelta(milliseconds=millis))
        self.landed.append(info)
        return info

    def embed(self, slide: str, etag: str, minutes: float) -> None:
        """The scorer's index says that this version is embedded."""
        event = SlideEmbedded(as_of=stamp(made.at(minutes)))
        event.slide.object.etag = etag
        self.put(keys.indexed_slide(CaseId(CASE), SlideId(slide)), json_format.MessageToJson(event).encode())

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:  # noqa: ARG002 - the port names it
        return bytes(end - start)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        yield from (info for info in self.landed if info.key.startswith(prefix))


@pytest.fixture
def bucket() -> _Bucket:
    return _Bucket()


@pytest.fixture
def look(results: Results, bucket: _Bucket) -> Waiting:
    return Waiting(bucket, results.store, now=lambda: made.at(90))


def _said(look: Waiting) -> tuple[float, float]:
    """Slides that wait, and minutes that the oldest has waited."""
    look()
    names = ("medulla_waiting_slides", "medulla_oldest_waiting_slide_seconds")
    slides, seconds = (REGISTRY.get_sample_value(name) or 0.0 for name in names)
    return slides, seconds / 60


def test_a_slide_that_landed_waits_until_a_score_used_it(results: Results, bucket: _Bucket, look: Waiting) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 30, millis=250)
    bucket.land(f"slides/{CASE}/A2.svs", 31)
    assert _said(look) == pytest.approx((2, 60), abs=0.01)
    bucket.embed("A1.svs", "30", 30)
    results.score(made.score(CASE, slides=["A1.svs"]), minutes=30)
    assert _said(look) == pytest.approx((1, 59), abs=0.01)
    bucket.embed("A2.svs", "31", 31)
    results.score(made.score(CASE, version="2", slides=["A1.svs", "A2.svs"]), minutes=31)
    assert _said(look) == (0, 0)


def test_a_slide_put_again_waits_again(results: Results, bucket: _Bucket, look: Waiting) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 30)
    bucket.embed("A1.svs", "30", 30)
    results.score(made.score(CASE, slides=["A1.svs"]), minutes=30)
    assert _said(look) == (0, 0)
    bucket.land(f"slides/{CASE}/A1.svs", 80)
    assert _said(look) == pytest.approx((1, 10), abs=0.01)


def test_a_version_that_lands_again_byte_for_byte_does_not_wait(results: Results, bucket: _Bucket) -> None:
    bucket.embed("A1.svs", "same", 30)
    results.score(made.score(CASE, slides=["A1.svs"]), minutes=30)
    refused = made.rejected(CASE, "A2.svs", made.at(30))
    refused.event_id = event_id(SlideRejected, f"slides/{CASE}/A2.svs", "blank", refused.reason)
    results.store.record_rejection(refused)
    bucket.land(f"slides/{CASE}/A1.svs", 80, etag="same")
    bucket.land(f"slides/{CASE}/A2.svs", 80, etag="blank")
    assert _said(Waiting(bucket, results.store, now=lambda: made.at(90))) == (0, 0)


def test_a_refused_slide_does_not_wait_and_a_refused_record_answers_none(
    results: Results, bucket: _Bucket, look: Waiting
) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 30)
    results.store.record_rejection(made.rejected(CASE, "", made.at(40)))
    assert _said(look)[0] == 1
    results.store.record_rejection(made.rejected(CASE, "A1.svs", made.at(30)))
    assert _said(look)[0] == 0


def test_a_refusal_of_an_older_version_does_not_answer_the_newer(
    results: Results, bucket: _Bucket, look: Waiting
) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 50)
    results.store.record_rejection(made.rejected(CASE, "A1.svs", made.at(30)))
    assert _said(look)[0] == 1


def test_an_answered_slide_is_asked_about_once(
    results: Results, bucket: _Bucket, look: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.land(f"slides/{CASE}/A1.svs", 30)
    bucket.embed("A1.svs", "30", 30)
    results.score(made.score(CASE, slides=["A1.svs"]), minutes=30)
    look()

    def ask(case: CaseId) -> CaseFacts | None:
        raise AssertionError(case)

    monkeypatch.setattr(results.store, "case", ask)
    assert _said(look)[0] == 0


def test_companions_folders_and_keys_without_a_case_are_no_slides(bucket: _Bucket, look: Waiting) -> None:
    for key in (
        "slides/c d/a.svs",
        "slides/c/",
        "slides/c/a.mrxs",
        "slides/c/a.xml",
        "slides/c/a/Data0.dat",
        "slides/stray.svs",
    ):
        bucket.land(key, 1)
    assert _said(look)[0] == 1


def test_the_times_of_a_revision_are_those_of_the_inputs() -> None:
    revision = "".join(f"{int(made.at(minutes).timestamp() * 1e6):016x}" for minutes in (9, 4))
    assert input_times(revision) == [made.at(9), made.at(4)]
    assert input_times("") == []
