"""One suite for every way to read a slide: OpenSlide, JPEG tiles straight from the TIFF, DICOM; here and in a child."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.tiler import openslide_reader, readers
from services.tiler.grid import GridSpec, lay
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.ports import Cut, SlideReader
from services.tiler.reader_processes import OPENER
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from shared.units import Level0Px, MicronsPerPx, TilePx
from tests.support.dicom_series import garbled as garbled_frames
from tests.support.dicom_series import series
from tests.support.slides import cc0_bytes, cc0_pixels, garbled, write_dicom, write_tiff

Make = Callable[[Path, bool], Path]
"""Writes a slide, damaged or sound."""


def _aperio(folder: Path, damaged: bool) -> Path:
    path = folder / "slide.svs"
    path.write_bytes(garbled([54, 55, 64]) if damaged else cc0_bytes())
    return path


def _pyramid(folder: Path, damaged: bool) -> Path:
    path = write_tiff(folder / "slide.tif", cc0_pixels(), (0.499, 0.499), shrinks=3)
    if damaged:
        _zero(path, 200_000, 60_000)
    return path


def _dicom(folder: Path, damaged: bool) -> Path:
    return write_dicom(folder / "slide.dcm", garbled_frames=[6, 7] if damaged else [], mm=(0.0005, 0.0005))


def _series(folder: Path, damaged: bool) -> Path:
    (folder / "series").mkdir()
    for kind, data in series(levels=3, parts=2).items():
        harmed = damaged and kind == "level0.1"
        (folder / "series" / kind).write_bytes(garbled_frames(data, [0]) if harmed else data)
    return folder / "series"


def _zero(path: Path, start: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes(size))


KINDS: dict[str, tuple[Make, bool]] = {
    "jpeg tiles of an svs": (_aperio, True),
    "openslide on an svs": (_aperio, False),
    "jpeg tiles of a pyramid": (_pyramid, True),
    "openslide on a pyramid": (_pyramid, False),
    "dicom": (_dicom, True),
    "dicom series": (_series, True),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[Make, bool]:
    return KINDS[request.param]


@pytest.fixture
def make(kind: tuple[Make, bool]) -> Make:
    return kind[0]


@pytest.fixture(scope="module")
def children() -> Iterator[Callable[[str], IsolatedReaders]]:
    """Readers in child processes, by what opens slides there."""
    with ExitStack() as stack:
        yield cache(lambda opener: stack.enter_context(isolated_readers(opener=opener)))


@pytest.fixture(params=["in this process", "in a child"])
def open_slide(
    request: pytest.FixtureRequest,
    kind: tuple[Make, bool],
    children: Callable[[str], IsolatedReaders],
    monkeypatch: pytest.MonkeyPatch,
) -> OpenSlide:
    direct = kind[1]
    if request.param == "in a child":
        return children(OPENER if direct else "tests.support.child_readers:open_through_openslide")
    if not direct:
        monkeypatch.setattr(openslide_reader, "_direct", lambda *_: None)
    return readers.open_slide


@pytest.fixture
def sound(make: Make, open_slide: OpenSlide, tmp_path: Path) -> Iterator[SlideReader]:
    with open_slide(make(tmp_path, False), Override()) as reader:
        yield reader


@pytest.fixture
def damaged(make: Make, open_slide: OpenSlide, tmp_path: Path) -> Iterator[SlideReader]:
    with open_slide(make(tmp_path, True), Override()) as reader:
        yield reader


def origins_of(reader: SlideReader) -> tuple[NDArray[np.int32], Cut]:
    grid = lay(GridSpec(), reader.describe())
    return grid.origins, grid.cut


def test_the_facts_name_format_codec_levels_and_resolution(sound: SlideReader) -> None:
    slide = sound.describe()
    assert slide.format in {"aperio", "generic-tiff", "dicom"}
    assert slide.codec == "jpeg"
    assert slide.levels[0].downsample == 1.0
    assert [level.downsample for level in slide.levels] == sorted(level.downsample for level in slide.levels)
    assert slide.resolution.mpp_x == pytest.approx(0.5, abs=0.002)
    assert slide.resolution.source in {"openslide.mpp-x", "tiff.XResolution", "dicom.PixelSpacing"}


def test_tiles_come_in_the_order_asked_for(sound: SlideReader) -> None:
    origins, cut = origins_of(sound)
    forward, backward = sound.read_tiles(origins, cut), sound.read_tiles(origins[::-1], cut)
    assert forward.pixels.shape == (len(origins), 256, 256, 3)
    assert forward.pixels.dtype == np.uint8
    assert np.array_equal(forward.pixels, backward.pixels[::-1])
    assert not forward.corrupt.any()


def test_no_tiles_asked_for_are_no_tiles(sound: SlideReader) -> None:
    tiles = sound.read_tiles(np.zeros((0, 2), np.int32), Cut(Level0Px(256), Level0Px(256), TilePx(256)))
    assert tiles.pixels.shape == (0, 256, 256, 3)


def test_a_tile_at_full_resolution_is_the_slide_itself(sound: SlideReader) -> None:
    cut = Cut(Level0Px(100), Level0Px(100), TilePx(100))
    corners = np.array([[0, 0], [37, 211], [240, 240], [500, 301]], np.int32)
    whole = sound.read_tiles(np.array([[0, 0]], np.int32), Cut(Level0Px(640), Level0Px(640), TilePx(640))).pixels[0]
    for (x, y), tile in zip(corners, sound.read_tiles(corners, cut).pixels, strict=True):
        assert np.array_equal(tile, whole[y : y + 100, x : x + 100])


def test_shrinking_keeps_the_mean_colour(sound: SlideReader) -> None:
    origins, cut = origins_of(sound)
    full = sound.read_tiles(origins, cut).pixels.mean(axis=(1, 2))
    small = sound.read_tiles(origins, Cut(cut.width_px, cut.height_px, TilePx(64))).pixels.mean(axis=(1, 2))
    assert np.abs(full - small).max() < 6


def test_the_overview_shows_the_same_slide_at_the_asked_resolution(sound: SlideReader) -> None:
    slide = sound.describe()
    overview = sound.read_overview(MicronsPerPx(8.0))
    assert overview.pixels.shape[0] == round(slide.height_px * slide.resolution.mpp_y / 8)
    assert overview.pixels.shape[1] == round(slide.width_px * slide.resolution.mpp_x / 8)
    assert overview.readable.all()
    assert np.array_equal(overview.pixels, sound.read_overview(MicronsPerPx(8.0)).pixels)


def test_damaged_tiles_are_marked_and_their_neighbours_are_unharmed(
    make: Make, open_slide: OpenSlide, damaged: SlideReader, tmp_path: Path
) -> None:
    origins, cut = origins_of(damaged)
    tiles = damaged.read_tiles(origins, cut)
    (tmp_path / "sound").mkdir()
    with open_slide(make(tmp_path / "sound", False), Override()) as reader:
        expected = reader.read_tiles(origins, cut)
    assert 0 < tiles.corrupt.sum() < len(origins) / 2
    assert np.array_equal(tiles.pixels[~tiles.corrupt], expected.pixels[~tiles.corrupt])


def test_the_overview_says_which_part_could_not_be_read(damaged: SlideReader) -> None:
    whole = damaged.read_overview(MicronsPerPx(0.5))
    assert 0 < (~whole.readable).sum() < whole.readable.size / 2


def test_threads_read_the_same_pixels_even_beside_damage(damaged: SlideReader) -> None:
    origins, cut = origins_of(damaged)
    once = damaged.read_tiles(origins, cut)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda subset: damaged.read_tiles(subset, cut), np.array_split(origins, 8)))
    assert np.array_equal(once.corrupt, np.concatenate([subset.corrupt for subset in parts]))
    sound = ~once.corrupt
    assert np.array_equal(once.pixels[sound], np.concatenate([subset.pixels for subset in parts])[sound])
