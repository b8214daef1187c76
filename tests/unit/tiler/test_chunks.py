"""Streaming a plan: every tile once, from any chunk on, not far ahead of the reader."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest
from medulla.v1.common_pb2 import Plan, Slide

from services.tiler.chunks import StreamChunks
from services.tiler.errors import BadStreamRequestError, UnknownPlanError
from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Cut, Origins, Rgb, SlideReader, Tiles
from services.tiler.readers import open_slide
from services.tiler.resolution import Override
from shared.blob.port import BlobStore, ObjectChangedError
from shared.erased import ErasedCases
from shared.units import CaseId, Sha256
from tests.support.slides import CC0_SLIDE, cc0_bytes, garbled
from tests.support.tiling import Tiling

KEY = "slides/case-1/slide-1.svs"


class Watched:
    """A reader that counts the tiles asked of it and knows whether it was closed too early."""

    def __init__(self, reader: SlideReader) -> None:
        self._reader = reader
        self._lock = Lock()
        self.read = 0
        self.closed = False

    def read_tiles(self, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
        with self._lock:
            self.read += len(origins)
        assert not self.closed
        return self._reader.read_tiles(origins, cut, out)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *exc: object) -> None:
        self.closed = True
        self._reader.close()


def watched(tiler: Tiling) -> tuple[StreamChunks, list[Watched]]:
    opened: list[Watched] = []

    def open_watched(path: Path, override: Override) -> SlideReader:
        opened.append(Watched(open_slide(path, override)))
        return opened[-1]

    old = tiler.stream
    return StreamChunks(old.files, old.plans, old.pool, open_watched), opened


def test_the_chunks_hold_every_planned_tile_once_and_in_order(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    chunks = list(tiler.stream(event.slide, event.plan))
    assert [chunk.index for chunk in chunks] == [0, 1, 2]
    assert [len(chunk.tiles) for chunk in chunks] == [16, 16, 6]
    assert [tile for chunk in chunks for tile in chunk.tiles] == list(range(38))


def test_the_pixels_are_those_of_the_slide(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    chunk = list(tiler.stream(event.slide, event.plan))[1]
    coords = tiler.stream.plans.tiles(Sha256(event.slide.digest), Sha256(event.plan.digest)).coords
    with open_slide(CC0_SLIDE) as reader:
        expected = reader.read_tiles(coords[16:32], lay(GridSpec(), reader.describe()).cut)
    assert np.array_equal(chunk.pixels, expected.pixels)


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_a_stream_starts_at_any_chunk_with_the_same_bytes(first: int, tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    assert tiler.chunks(event, first) == tiler.chunks(event)[first:]


def test_corrupt_tiles_are_listed_and_have_no_pixels(tiler: Tiling) -> None:
    event = tiler.plan(KEY, garbled([74, 94]))
    chunks = list(tiler.stream(event.slide, event.plan))
    corrupt = [tile for chunk in chunks for tile in chunk.corrupt]
    assert corrupt
    for chunk in chunks:
        assert not set(chunk.tiles) & set(chunk.corrupt)
        assert chunk.pixels.shape == (len(chunk.tiles), 256, 256, 3)


def test_no_more_than_one_chunk_is_decoded_ahead(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    stream, opened = watched(tiler)
    chunks = stream(event.slide, event.plan)
    next(chunks)
    assert opened[0].read <= 32
    chunks.close()  # type: ignore[attr-defined]  # a generator


def test_a_caller_who_leaves_stops_the_work_and_frees_the_slide(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    stream, opened = watched(tiler)
    chunks = stream(event.slide, event.plan)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]  # a generator
    assert opened[0].closed
    assert opened[0].read <= 32


def test_a_slide_altered_since_planning_is_not_streamed(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    tiler.land(KEY, cc0_bytes() + b"\0")
    info = tiler.blobs.head(KEY)
    assert info is not None
    event.slide.object.etag, event.slide.object.size_bytes = info.etag, info.size
    with pytest.raises(ObjectChangedError, match="not those that were planned"):
        list(tiler.stream(event.slide, event.plan))


def test_an_unknown_plan_is_refused(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    event.plan.digest = "0" * 64
    with pytest.raises(UnknownPlanError):
        list(tiler.stream(event.slide, event.plan))


def test_a_request_that_names_nothing_sensible_is_refused(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    elsewhere = Slide(digest=event.slide.digest)
    elsewhere.object.key = "models/bundles/current.json"
    for slide, plan, first in (
        (Slide(), Plan(), 0),
        (event.slide, Plan(digest="../../secrets"), 0),
        (elsewhere, event.plan, 0),
        (event.slide, event.plan, -1),
        (event.slide, event.plan, 4),
    ):
        with pytest.raises(BadStreamRequestError):
            list(tiler.stream(slide, plan, first))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda blobs: blobs.delete(KEY), "deleted"),
        (lambda blobs: blobs.put(KEY, b"another"), "overwritten"),
        (lambda blobs: ErasedCases(blobs).add(CaseId("case-1")), "erased"),
    ],
)
def test_a_stream_of_a_slide_that_no_longer_stands_ends_and_frees_its_scratch(
    change: Callable[[BlobStore], object], sentence: str, tiler: Tiling, tmp_path: Path
) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    chunks = replace(tiler.stream, check_every_s=0.0)(event.slide, event.plan)
    next(chunks)
    change(tiler.blobs)
    with pytest.raises(ObjectChangedError, match=sentence):
        next(chunks)
    ErasedCases(tiler.blobs).add(CaseId("case-1"))
    tiler.scratch.drop_idle()
    assert not list((tmp_path / "scratch").rglob("*.svs"))
