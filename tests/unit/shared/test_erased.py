"""Events of erased cases are dropped; work that was under way is asked to be erased again."""

from collections.abc import Iterable

import pytest
from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import CaseEraseRequested, SlideEmbedded, SlideTiled

from shared.blob.memory import MemoryStore
from shared.blob.port import ObjectChangedError
from shared.bus import s3_events, topics
from shared.bus.events import decoder
from shared.bus.s3_events import ObjectHint
from shared.erased import RETENTION, ErasedCases, drop_erased
from shared.errors import MedullaError, TransientError
from shared.route import Route
from shared.units import CaseId

CASE = CaseId("c1")
TILED = SlideTiled(event_id="e", slide=Slide(case_id=CASE, slide_id="S.svs", digest="a" * 64))


class _Embed:
    """A handler that does something to the store while it is at work."""

    def __init__(self, store: MemoryStore, *, erase: bool = False, fail: type[MedullaError] | None = None) -> None:
        self.erased, self.erase, self.fail, self.calls = ErasedCases(store), erase, fail, 0

    def __call__(self, event: SlideTiled) -> Iterable[SlideEmbedded]:
        self.calls += 1
        if self.erase:
            self.erased.add(CASE)
        if self.fail:
            raise self.fail("the slide is gone")
        yield SlideEmbedded(event_id="f", slide=event.slide)


def _handle(store: MemoryStore, embed: _Embed) -> list[object]:
    route = Route(topics.SLIDES_TILED, decoder(SlideTiled), embed)
    return list(drop_erased([route], store)[0].handle(TILED))


def test_a_case_that_was_not_erased_is_worked_on() -> None:
    store = MemoryStore()
    assert _handle(store, _Embed(store)) == [SlideEmbedded(event_id="f", slide=TILED.slide)]


def test_an_event_of_an_erased_case_is_dropped_without_work() -> None:
    store = MemoryStore()
    ErasedCases(store).add(CASE)
    embed = _Embed(store)
    assert _handle(store, embed) == []
    assert embed.calls == 0


def test_a_late_event_asks_to_erase_what_a_process_wrote_that_died_after_the_erasure() -> None:
    store = MemoryStore()
    ErasedCases(store).add(CASE)
    store.put(f"embeddings/{'a' * 64}/part-00000", b"late")
    (event,) = _handle(store, _Embed(store))
    assert isinstance(event, CaseEraseRequested)
    assert list(event.slide_digests) == ["a" * 64]


def test_a_late_object_event_asks_to_erase_what_the_tiler_still_names() -> None:
    store, hint = MemoryStore(), ObjectHint(f"slides/{CASE}/S.svs", "medulla")
    ErasedCases(store).add(CASE)
    route = Route(topics.S3_EVENTS, s3_events.decode, lambda _: (), context=s3_events.context)
    (dropping,) = drop_erased([route], store)
    assert list(dropping.handle(hint)) == []
    store.put(f"landings/{CASE}/slides/{'a' * 64}.json", b"{}")
    (request,) = dropping.handle(hint)
    assert isinstance(request, CaseEraseRequested)


@pytest.mark.parametrize("fail", [None, ObjectChangedError, TransientError])
def test_work_under_way_when_the_case_was_erased_asks_to_erase_what_it_wrote(
    fail: type[MedullaError] | None,
) -> None:
    store = MemoryStore()
    (event,) = _handle(store, _Embed(store, erase=True, fail=fail))
    assert isinstance(event, CaseEraseRequested)
    assert (event.case_id, list(event.slide_digests)) == (CASE, ["a" * 64])


def test_what_is_asked_late_has_the_cause_of_the_erasure() -> None:
    store = MemoryStore()
    ErasedCases(store).add(CASE, "r", RETENTION)
    store.put(f"embeddings/{'a' * 64}/part-00000", b"late")
    (event,) = _handle(store, _Embed(store))
    assert isinstance(event, CaseEraseRequested)
    assert event.cause == RETENTION


def test_a_refusal_of_a_case_that_was_not_erased_stays_a_refusal() -> None:
    store = MemoryStore()
    with pytest.raises(ObjectChangedError):
        _handle(store, _Embed(store, fail=ObjectChangedError))
