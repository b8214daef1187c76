"""The tiler on a real object store: parts, conditions and keys as S3 has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.tiler.download import Downloader
from services.tiler.handler import PlanTiles
from services.tiler.landings import Landings
from services.tiler.on_landing import OnLanding
from services.tiler.ports import SlideReader
from services.tiler.readers import open_slide
from services.tiler.resolution import Override
from shared.blob.memory import MemoryStore
from shared.blob.port import ObjectChangedError
from shared.bus.s3_events import ObjectHint
from shared.errors import TransientError
from tests.support.dicom_series import SERIES, series
from tests.support.mirax import mirax
from tests.support.object_stores import new_s3_store
from tests.support.parts import MinioPart
from tests.support.slides import cc0_bytes
from tests.support.tiling import Tiling, tiling

KEY = "slides/case-1/slide-1.svs"


@pytest.fixture
def tiler(minio: MinioPart, tmp_path: Path) -> Iterator[Tiling]:
    with tiling(tmp_path, store=new_s3_store(minio)) as created:
        yield created


def test_a_plan_on_s3_is_the_plan_in_memory_byte_for_byte(tiler: Tiling, tmp_path: Path) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    with tiling(tmp_path / "memory", store=MemoryStore()) as other:
        assert other.plan(KEY, cc0_bytes()).plan == event.plan
        names = [info.key for info in other.blobs.list("plans/")]
        assert names == [info.key for info in tiler.blobs.list("plans/")]
        assert [other.blobs.get(name) for name in names] == [tiler.blobs.get(name) for name in names]


def test_a_stream_soon_after_planning_needs_no_second_download(tiler: Tiling, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a second download")

    event = tiler.plan(KEY, cc0_bytes())
    monkeypatch.setattr(Downloader, "fetch", fail)
    assert sum(len(chunk.tiles) for chunk in tiler.stream(event.slide, event.plan)) == 38


def test_a_deleted_slide_is_not_streamed_from_scratch(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    tiler.blobs.delete(KEY)
    with pytest.raises(ObjectChangedError, match="deleted"):
        next(iter(tiler.stream(event.slide, event.plan)))


@pytest.mark.parametrize("deleted", [True, False])
def test_an_object_that_changes_while_it_is_planned_is_tried_again(deleted: bool, tiler: Tiling) -> None:
    def open_and_change(path: Path, override: Override) -> SlideReader:
        if deleted:
            tiler.blobs.delete(KEY)
        else:
            tiler.land(KEY, cc0_bytes() + b"\0")
        return open_slide(path, override)

    old = tiler.on_landing.plan_tiles
    planner = PlanTiles(old.blobs, old.files, old.plans, old.spec, open_slide=open_and_change)
    tiler.land(KEY, cc0_bytes())
    changed = OnLanding(tiler.blobs, planner, Landings(tiler.blobs, old.spec), tiler.on_landing.listing)
    with pytest.raises(TransientError, match="deleted" if deleted else "overwritten"):
        changed(ObjectHint(KEY, "medulla"))
    assert all(info.key.startswith("landings/case-1/slides/") for info in tiler.blobs.list("landings/"))
    assert not list(tiler.blobs.list("plans/"))


def test_an_object_that_changes_before_its_download_ends_is_refused(tiler: Tiling) -> None:
    tiler.land(KEY, cc0_bytes())
    stale = tiler.blobs.head(KEY)
    assert stale is not None
    tiler.land(KEY, cc0_bytes() + b"\0")
    with pytest.raises(ObjectChangedError), tiler.scratch.hold([stale]):
        pass


def test_a_series_and_a_mirax_slide_are_told_from_a_listing_of_the_bucket(tiler: Tiling) -> None:
    files = {**series(), **{f"deep/{name}": data for name, data in mirax("A").items()}}
    for name, data in files.items():
        tiler.land(f"slides/case-1/{name}", data)
    tiler.land("slides/case-1/S.xml", b"<Annotations/>")
    tiler.land("slides/case-1/S.svs.part", b"half")
    assert tiler.unplanned == ["slides/case-1/deep/A.mrxs", "slides/case-1/level0"]
    (event,) = tiler.hint("slides/case-1/overview")
    assert event.slide.slide_id == SERIES
    assert [file.key for file in event.slide.files] == ["slides/case-1/level1", "slides/case-1/level2"]
    assert sum(len(chunk.tiles) for chunk in tiler.stream(event.slide, event.plan)) == event.plan.tiles
    tiler.blobs.delete("slides/case-1/level2")
    (later,) = tiler.hint("slides/case-1/level2")
    assert [file.key for file in later.slide.files] == ["slides/case-1/level1"]
