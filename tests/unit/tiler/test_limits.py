"""What a slide may claim: refused by size before anything of it is read, and nothing else escapes."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tiler import limits
from services.tiler.byte_source import LocalBytes
from services.tiler.errors import SlideBeyondBoundsError, UnreadableSlideError
from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Level, Resolution, SlideFacts
from services.tiler.readers import open_slide
from services.tiler.tiff_page import read_pages
from services.tiler.tissue import OVERVIEW_UM_PER_PX, overview_scale
from shared.units import Microns, MicronsPerPx
from tests.support.tiffs import LONG, RawTiff, Values, long, short, text, tiled_page, write_whole_mount

TOO_LARGE = {
    "a million pixels a side": tiled_page(10**6, 10**6, 65_536, t324=long(0), t325=long(0)),
    "one tile of 119,904 px": tiled_page(119_904, 119_904, 119_904),
    "a side of four million pixels": tiled_page(2**22, 512, 512),
    "tiles of 16 px without end": tiled_page(2**19, 2**19, 16, offsets=long(0), sizes=long(0)),
    "a stored tile of 70 MB": tiled_page(512, 512, 512, offsets=long(16), sizes=long(70_000_000)),
}
PLAN = """
import sys
from pathlib import Path
from services.tiler.planner import PlanSpec, plan
from services.tiler.readers import open_slide
with open_slide(Path(sys.argv[1])) as reader:
    tile_plan = plan(reader, PlanSpec(), "0" * 64)
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(tile_plan.coords), tile_plan.overview_um_per_px, peak)
"""
"""Peak memory in KiB of this program alone: ru_maxrss would begin with that of the test's process."""


def write(folder: Path, tiff: RawTiff, padding: int = 0) -> Path:
    path = folder / "slide.tif"
    path.write_bytes(tiff.packed() + bytes(64))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + padding)
    return path


@pytest.mark.parametrize("page", TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.parametrize("big", [False, True], ids=["tiff", "bigtiff"])
def test_a_slide_beyond_the_bounds_is_refused_by_size(page: dict[int, Values], big: bool, tmp_path: Path) -> None:
    path = write(tmp_path, RawTiff([page], big), padding=80_000_000)
    with pytest.raises(SlideBeyondBoundsError, match="at most") as refused:
        open_slide(path)
    assert refused.value.reason == "slide_too_large"


def test_too_long_a_description_is_refused_before_it_is_read(tmp_path: Path) -> None:
    page = tiled_page(512, 512, t270=Values(2, limits.MAX_TEXT_BYTES + 1, b"\0\0\0\1"))
    with pytest.raises(SlideBeyondBoundsError, match="text"):
        open_slide(write(tmp_path, RawTiff([page])))


def test_directories_in_a_loop_are_damage(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSlideError, match="loop"):
        open_slide(write(tmp_path, RawTiff([tiled_page(512, 512)] * 3, loop=True)))


def test_too_many_directories_are_refused(tmp_path: Path) -> None:
    pages = [tiled_page(512, 512)] * (limits.MAX_DIRECTORIES + 1)
    with pytest.raises(SlideBeyondBoundsError, match="directories"):
        open_slide(write(tmp_path, RawTiff(pages)))


def test_sub_directories_that_name_their_parent_end(tmp_path: Path) -> None:
    tiff = RawTiff([tiled_page(512, 512, t330=long(16, 16, 16))])
    assert len(read_pages(LocalBytes(write(tmp_path, tiff)))) == 2


values = st.one_of(
    st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=4).map(lambda n: short(*n)),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4).map(lambda n: long(*n)),
    st.binary(min_size=1, max_size=40).map(text),
    st.builds(Values, st.integers(0, 20), st.integers(0, 2**32 - 1), st.binary(max_size=4)),
)
tags = st.sampled_from(
    [254, 256, 257, 258, 259, 262, 270, 277, 284, 296, 317, 322, 323, 324, 325, 330, 339, 347, 65420]
)
directories = st.dictionaries(tags, values, max_size=8)
sound = st.just(tiled_page(2048, 2048, offsets=Values(LONG, 64, bytes(256)), sizes=Values(LONG, 64, bytes(256))))
pages = st.builds(lambda page, changes: page | changes, st.one_of(st.just({}), sound), directories)


@settings(max_examples=300)
@given(st.builds(RawTiff, st.lists(pages, max_size=4), st.booleans(), st.binary(max_size=64), st.booleans()))
def test_any_directory_is_read_or_refused_within_the_bounds(
    tmp_path_factory: pytest.TempPathFactory, tiff: RawTiff
) -> None:
    path = tmp_path_factory.mktemp("any") / "slide.tif"
    path.write_bytes(tiff.packed())
    try:
        read = read_pages(LocalBytes(path))
    except (UnreadableSlideError, SlideBeyondBoundsError):
        return
    assert len(read) <= 2 * limits.MAX_DIRECTORIES
    assert all(page.width_px * page.height_px <= limits.MAX_PIXELS for page in read)
    assert all(page.stored_tiles <= limits.MAX_STORED_TILES for page in read if page.tiled)


def facts(width: int, height: int, mpp: float) -> SlideFacts:
    resolution = Resolution(MicronsPerPx(mpp), MicronsPerPx(mpp), "test")
    return SlideFacts("test", "jpeg", (Level(width, height, 1.0),), resolution)


@given(st.integers(1, limits.MAX_SIDE_PX), st.integers(1, limits.MAX_SIDE_PX), st.floats(0.05, 5))
def test_the_overview_never_has_more_pixels_than_the_bound(width: int, height: int, mpp: float) -> None:
    scale = overview_scale(facts(width, height, mpp))
    assert round(width * mpp / scale) * round(height * mpp / scale) <= 1.001 * limits.MAX_OVERVIEW_PX
    assert scale % 8 == 0
    if max(width, height) * mpp <= 65_000:
        assert scale == OVERVIEW_UM_PER_PX


def test_a_grid_of_too_many_places_is_refused() -> None:
    with pytest.raises(SlideBeyondBoundsError, match="places"):
        lay(GridSpec(tile_um=Microns(8.0)), facts(400_000, 300_000, 0.25))


def test_a_whole_mount_is_planned_in_the_stated_memory(tmp_path: Path) -> None:
    path = write_whole_mount(tmp_path / "slide.tif", 812_000, 608_000, mpp=0.25, steps=(1, 8, 64))
    done = subprocess.run(
        [sys.executable, "-c", PLAN, str(path)], check=True, capture_output=True, text=True, timeout=600
    )
    tiles, um_per_px, peak_kib = done.stdout.split()
    assert int(tiles) > 100
    assert float(um_per_px) == 24.0
    assert int(peak_kib) < 1.5 * 2**20
