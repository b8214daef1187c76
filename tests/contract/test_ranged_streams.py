"""Streams of slides that arrive from the bucket, for every store: the chunks are those of the file on disk."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from medulla.v1.events_pb2 import SlideTiled

from services.tiler import arriving_bytes, ranged_stream
from services.tiler.chunks import DecodedChunk, StreamChunks
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.ports import LocalSlide
from services.tiler.ranged_slide import RangedSlide
from services.tiler.ranged_stream import RangedStreams
from shared import keys
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.errors import TransientError
from tests.support.dicom_series import series
from tests.support.object_stores import KINDS, new_blob_store
from tests.support.slides import cc0_bytes, cc0_pixels, garbled, write_tiff
from tests.support.tiling import Tiling, messages_of, tiling

_CASE = "slides/case-1/"


@pytest.fixture(scope="module")
def readers() -> Iterator[IsolatedReaders]:
    with isolated_readers() as started:
        yield started


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small slide comes in several."""
    monkeypatch.setattr(arriving_bytes, "PART", 2**18)
    monkeypatch.setattr(ranged_stream, "STREAM_BLOCK", 2**16)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return new_blob_store(request.param, request, tmp_path)


class NoDisk:
    """No slide is on disk, and none may be fetched."""

    def has(self, _: object) -> bool:
        return False

    def hold(self, _: object) -> NoReturn:
        pytest.fail("the slide was downloaded")


@dataclass
class Tampering:
    """A store that gives other bytes than those that were planned, or none, from one offset on."""

    inner: BlobStore
    change: Callable[[bytes], bytes]
    start: int

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        data = self.inner.get_range(info, start, end)
        return self.change(data) if start <= self.start < end else data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def _svs(_: Path) -> dict[str, bytes]:
    return {"s.svs": cc0_bytes()}


def _damaged(_: Path) -> dict[str, bytes]:
    return {"s.svs": garbled([54, 55])}


def _pyramid(folder: Path) -> dict[str, bytes]:
    return {"s.tif": write_tiff(folder / "s.tif", cc0_pixels(), (0.499, 0.499), shrinks=3).read_bytes()}


def _dicom_series(_: Path) -> dict[str, bytes]:
    return {name: data for name, data in series(levels=3).items() if name not in {"label", "overview"}}


def planned(tiler: Tiling, files: dict[str, bytes]) -> SlideTiled:
    for name, data in files.items():
        tiler.land(_CASE + name, data)
    (event,) = tiler.hint(_CASE + next(iter(files)))
    return event


def arriving(tiler: Tiling, readers: IsolatedReaders, store: Any, files: Any = None) -> StreamChunks:
    """The tiler's stream by ranges of `store`."""
    old = tiler.stream
    ranged = RangedStreams(store, old.plans, readers)
    return StreamChunks(files or NoDisk(), old.plans, old.pool, readers, check_every_s=1e-3, ranged=ranged)


@pytest.mark.parametrize("make", [_svs, _damaged, _pyramid, _dicom_series])
def test_chunks_are_those_of_the_file_and_nothing_is_downloaded(
    store: BlobStore, readers: IsolatedReaders, make: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    with tiling(tmp_path, store=store, opener=readers) as tiler:
        event = planned(tiler, make(tmp_path))
        stream = arriving(tiler, readers, store)
        expected = tiler.chunks(event)
        assert messages_of(stream(event.slide, event.plan)) == expected
        assert messages_of(stream(event.slide, event.plan, 1)) == expected[1:]


def received(stream: StreamChunks, event: SlideTiled, error: type[Exception]) -> list[DecodedChunk]:
    """The chunks before an error."""
    chunks: list[DecodedChunk] = []
    with pytest.raises(error):
        chunks.extend(stream(event.slide, event.plan))
    return chunks


def test_other_bytes_than_those_planned_refuse_the_stream_before_its_last_chunk(
    readers: IsolatedReaders, tmp_path: Path
) -> None:
    padded = {"s.svs": cc0_bytes() + bytes(1000)}
    with tiling(tmp_path, opener=readers) as tiler:
        event = planned(tiler, padded)
        tampering = Tampering(tiler.blobs, lambda data: data[:-1] + b"x", len(padded["s.svs"]) - 1)
        chunks = received(arriving(tiler, readers, tampering), event, ObjectChangedError)
    assert [chunk.index for chunk in chunks] == list(range(-(-event.plan.tiles // 16) - 1))


@pytest.mark.parametrize("make", [_svs, _dicom_series])
def test_bytes_that_do_not_come_are_no_damage_to_the_slide(
    readers: IsolatedReaders, make: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    def down(_: bytes) -> bytes:
        raise TransientError("the store is down")

    with tiling(tmp_path, opener=readers) as tiler:
        event = planned(tiler, make(tmp_path))
        chunks = received(arriving(tiler, readers, Tampering(tiler.blobs, down, 500_000)), event, TransientError)
    assert not any(len(chunk.corrupt) for chunk in chunks)


def test_a_slide_overwritten_while_it_streams_is_refused(
    store: BlobStore, readers: IsolatedReaders, tmp_path: Path
) -> None:
    with tiling(tmp_path, store=store, opener=readers) as tiler:
        event = planned(tiler, _svs(tmp_path))
        chunks = arriving(tiler, readers, store)(event.slide, event.plan)
        next(chunks)
        tiler.land(_CASE + "s.svs", bytes(2_000_000))
        with pytest.raises(ObjectChangedError):
            list(chunks)


class Disk(NoDisk):
    """The slide is fetched to disk."""

    def __init__(self, files: Any) -> None:
        self._files = files

    def hold(self, files: Any) -> AbstractContextManager[LocalSlide]:  # type: ignore[override]
        held: AbstractContextManager[LocalSlide] = self._files.hold(files)
        return held


def test_a_format_that_is_not_read_by_ranges_comes_through_scratch(
    readers: IsolatedReaders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tiling(tmp_path, opener=readers) as tiler:
        event = planned(tiler, _svs(tmp_path))
        monkeypatch.setattr(RangedSlide, "of_plan", lambda *_: None)
        stream = arriving(tiler, readers, tiler.blobs, Disk(tiler.scratch))
        assert messages_of(stream(event.slide, event.plan)) == tiler.chunks(event)


def test_a_slide_that_is_on_disk_is_not_fetched_again(readers: IsolatedReaders, tmp_path: Path) -> None:
    def unexpected(_: bytes) -> bytes:
        pytest.fail("the slide was fetched again")

    with tiling(tmp_path, opener=readers) as tiler:
        event = planned(tiler, _svs(tmp_path))
        stream = arriving(tiler, readers, Tampering(tiler.blobs, unexpected, 0), tiler.scratch)
        assert sum(len(chunk.tiles) for chunk in stream(event.slide, event.plan)) == event.plan.tiles


def test_a_slide_that_was_not_planned_from_its_stored_tiles_comes_through_scratch(
    readers: IsolatedReaders, tmp_path: Path
) -> None:
    with tiling(tmp_path, opener=readers) as tiler:
        event = planned(tiler, _svs(tmp_path))
        key = event.plan.prefix + keys.PLAN
        plan = json.loads(tiler.blobs.get(key))
        assert plan["slide"].pop("reader") == "tiles"
        tiler.blobs.put(key, json.dumps(plan).encode())
        stream = arriving(tiler, readers, Tampering(tiler.blobs, lambda _: pytest.fail("read by ranges"), 0))
        stream = replace(stream, files=Disk(tiler.scratch))
        assert messages_of(stream(event.slide, event.plan)) == tiler.chunks(event)
