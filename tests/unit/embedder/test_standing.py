"""Work on a slide that is replaced, deleted or erased meanwhile ends with the chunk at hand."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.events_pb2 import CaseEraseRequested, SlideRejected
from medulla.v1.tiles_pb2 import TileChunk

from services.embedder.chunks import CheckedTiles
from services.embedder.routes import routes
from shared.blob.memory import MemoryStore
from shared.blob.port import ObjectChangedError
from shared.erased import ErasedCases
from shared.units import CaseId
from tests.support.embedding import FakeTileSource, Setting, planned


class ChangingTileSource(FakeTileSource):
    """Changes something just before chunk 2 is sent."""

    def __init__(self, change: Callable[[], object]) -> None:
        super().__init__()
        self._change = change

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[TileChunk]:
        for chunk in super().chunks(slide, plan, first_chunk):
            if chunk.index == 2:
                self._change()
            yield chunk


def changing(change: Callable[[MemoryStore], object]) -> Setting:
    """A setting whose slide has something done to it halfway; it looks for changes at each chunk."""
    setting = Setting()
    source = ChangingTileSource(lambda: change(setting.store))
    setting.tiles = source
    setting.embed = replace(setting.embed, tiles=CheckedTiles(source), check_every_s=0.0)
    return setting


SLIDE = "slides/case-1/s1.svs"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda store: store.delete(SLIDE), f"object {SLIDE} was deleted"),
        (lambda store: store.put(SLIDE, b"another"), f"object {SLIDE} was overwritten"),
    ],
)
def test_work_on_a_slide_that_is_gone_or_replaced_ends_within_the_chunk_at_hand(
    change: Callable[[MemoryStore], object], sentence: str
) -> None:
    setting = changing(change)
    with pytest.raises(ObjectChangedError, match=sentence) as refused:
        setting.embed(planned(setting.store, tiles=400))
    assert refused.value.reason == "digest_mismatch"
    assert max(setting.tiles.sent) <= 4
    assert max(setting.keys_below("embeddings/")) <= "part-00002.safetensors"
    assert max(progress.done for progress in setting.progress) <= 12


def test_the_event_of_a_version_that_is_gone_notifies_people_and_is_no_dead_letter() -> None:
    setting = changing(lambda store: store.delete(SLIDE))
    (route,) = routes(setting.embed)
    (notice,) = route.handle(planned(setting.store, tiles=400))
    assert isinstance(notice, SlideRejected)
    assert (notice.object_key, notice.reason) == (SLIDE, "digest_mismatch")


def test_a_damaged_plan_of_a_slide_that_stands_is_refused() -> None:
    setting = Setting()
    (route,) = routes(setting.embed)
    event = planned(setting.store, tiles=4)
    setting.store.delete(event.plan.prefix + "tiles.safetensors")
    with pytest.raises(ObjectChangedError):
        list(route.handle(event))


def test_a_slide_that_is_gone_before_the_work_starts_costs_no_tile() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=10)
    setting.store.delete(SLIDE)
    with pytest.raises(ObjectChangedError, match="deleted"):
        setting.embed(event)
    assert setting.tiles.requested == []
    assert not setting.keys_below("embeddings/")


def test_a_slide_that_goes_with_the_last_chunk_is_not_said_to_be_embedded() -> None:
    setting = changing(lambda store: store.delete(SLIDE))
    setting.embed = replace(setting.embed, check_every_s=3600.0)
    with pytest.raises(ObjectChangedError, match="deleted"):
        setting.embed(planned(setting.store, tiles=12))


def test_work_on_an_erased_case_ends_and_asks_to_erase_the_parts_that_it_wrote() -> None:
    setting = changing(lambda store: ErasedCases(store).add(CaseId("case-1")))
    event = planned(setting.store, tiles=400)
    (request,) = routes(setting.embed)[0].handle(event)
    assert isinstance(request, CaseEraseRequested)
    assert list(request.slide_digests) == [event.slide.digest]
    assert max(setting.tiles.sent) <= 4
