"""Regions of slides by byte ranges, one suite for every store and format: the pixels are those of the file on disk."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medulla.v1.events_pb2 import SlideTiled
from PIL import Image

from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.ports import Region
from services.tiler.readers import open_slide
from services.tiler.regions import ReadRegions
from services.tiler.scratch import Scratch
from shared.blob.port import BlobInfo, BlobStore
from tests.support.dicom_series import series
from tests.support.object_stores import KINDS, new_blob_store
from tests.support.slides import cc0_bytes, cc0_pixels, write_dicom, write_tiff
from tests.support.tiling import Tiling, tiling
from tests.support.viewing import large_slide, pixels

_CASE = "slides/case-1/"
_PADDING = 20_000_000


@pytest.fixture(scope="module")
def readers() -> Iterator[IsolatedReaders]:
    with isolated_readers() as started:
        yield started


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return new_blob_store(request.param, request, tmp_path)


@dataclass
class Metered:
    """A store that notes whose bytes are read by ranges, and how many."""

    inner: BlobStore
    read: int = field(default=0, init=False)
    keys: set[str] = field(default_factory=set, init=False)

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        data = self.inner.get_range(info, start, end)
        self.read += len(data)
        self.keys.add(info.key)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def _svs(_: Path) -> dict[str, bytes]:
    return {"s.svs": cc0_bytes()}


def _ome(folder: Path) -> dict[str, bytes]:
    path = write_tiff(folder / "s.ome.tif", cc0_pixels(), None, shrinks=2, ome={"X": "0.499 µm", "Y": "0.499 µm"})
    return {"s.ome.tif": path.read_bytes()}


def _pyramid(folder: Path) -> dict[str, bytes]:
    return {"s.tif": write_tiff(folder / "s.tif", cc0_pixels(), (0.499, 0.499), shrinks=3).read_bytes()}


def _dicom_series(_: Path) -> dict[str, bytes]:
    return dict(series(levels=3))


def _dicom(folder: Path) -> dict[str, bytes]:
    return {"s.dcm": write_dicom(folder / "s.dcm", mm=(0.001, 0.001)).read_bytes()}


FORMATS = [_svs, _ome, _pyramid, _dicom_series, _dicom]


def planned(tiler: Tiling, files: dict[str, bytes]) -> SlideTiled:
    for name, data in files.items():
        tiler.land(_CASE + name, data)
    (event,) = tiler.hint(_CASE + next(iter(files)))
    return event


@pytest.mark.parametrize("make", FORMATS)
def test_regions_of_the_bucket_are_those_of_the_file_and_nothing_is_downloaded(
    store: BlobStore,
    readers: IsolatedReaders,
    make: Callable[[Path], dict[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = make(tmp_path)
    with tiling(tmp_path, store=store, opener=readers) as tiler, pixels(tiler, readers) as regions:
        event = planned(tiler, files)
        monkeypatch.setattr(Scratch, "hold", lambda *_: pytest.fail("the slide was downloaded"))
        layout = regions.describe(event.slide, event.plan)
        with open_slide(_on_disk(tmp_path / "disk", files)) as local:
            assert local.layout() == layout
            for region in _regions(layout.width_px, layout.height_px, layout.stored_px):
                assert regions.read(event.slide, event.plan, region) == local.read_region(region)


def _on_disk(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    used = {name: data for name, data in files.items() if name not in {"label", "overview"}}
    for name, data in used.items():
        (folder / name).write_bytes(data)
    return folder / next(iter(used)) if len(used) == 1 else folder


def _regions(width: int, height: int, side: int) -> list[Region]:
    side = side or 200
    return [
        Region(side, side, side, side, side, side),
        Region(0, 0, 2 * side, 2 * side, side, side),
        Region(width - 77, height - 33, 77, 33, 77, 33),
        Region(10, 20, 300, 200, 150, 100),
        Region(0, 0, width, height, -(-width // 8), -(-height // 8)),
    ]


def test_one_part_of_a_large_slide_costs_a_small_part_of_its_bytes(
    store: BlobStore, readers: IsolatedReaders, tmp_path: Path
) -> None:
    data = large_slide() + bytes(_PADDING)
    with tiling(tmp_path, store=store, opener=readers) as tiler:
        event = planned(tiler, {"large.tif": data})
        metered: Any = Metered(store)
        with pixels(_with(tiler, metered), readers) as regions:
            jpeg = regions.read(event.slide, event.plan, Region(256 * 90, 256 * 31, 256, 256, 256, 256))
    assert np.asarray(Image.open(io.BytesIO(jpeg))).shape == (256, 256, 3)
    assert metered.read < _PADDING / 10


def test_label_and_overview_of_a_series_are_never_read(
    store: BlobStore, readers: IsolatedReaders, tmp_path: Path
) -> None:
    with tiling(tmp_path, store=store, opener=readers) as tiler:
        event = planned(tiler, _dicom_series(tmp_path))
        metered: Any = Metered(store)
        with pixels(_with(tiler, metered), readers) as regions:
            layout = regions.describe(event.slide, event.plan)
            for region in _regions(layout.width_px, layout.height_px, layout.stored_px):
                regions.read(event.slide, event.plan, region)
    assert metered.keys == {f"{_CASE}level{level}" for level in range(3)}


def _with(tiler: Tiling, store: BlobStore) -> Tiling:
    return Tiling(store, tiler.scratch, tiler.on_landing, tiler.stream)


def test_several_threads_read_one_slide_at_once(store: BlobStore, readers: IsolatedReaders, tmp_path: Path) -> None:
    with tiling(tmp_path, store=store, opener=readers) as tiler, pixels(tiler, readers) as regions:
        event = planned(tiler, {"large.tif": large_slide()})
        assert len(set(_all_at_once(regions, event))) > 1


def _all_at_once(regions: ReadRegions, event: SlideTiled) -> list[bytes]:
    places = [Region(256 * n, 256 * n, 256, 256, 256, 256) for n in range(24)]
    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(lambda region: regions.read(event.slide, event.plan, region), places))
    assert at_once == [regions.read(event.slide, event.plan, region) for region in places]
    return at_once
