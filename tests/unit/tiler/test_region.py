"""One rectangle of a slide as a JPEG file, in this process."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.tiler import region as regions
from services.tiler.errors import DamagedRegionError, NoLevelError
from services.tiler.ports import Layout, Region, SlideReader
from services.tiler.readers import open_slide
from services.tiler.region import viewer_px
from tests.support.slides import Pixels, cc0_bytes, cc0_pixels, garbled, write_dicom, write_tiff
from tests.support.viewing import LARGE_PX, large_slide


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlideReader]:
    path = tmp_path_factory.mktemp("large") / "large.tif"
    path.write_bytes(large_slide())
    with open_slide(path) as reader:
        yield reader


def decoded(jpeg: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), np.uint8)


def same(x: int, y: int, side: int, shrink: int = 1) -> Region:
    return Region(x, y, side * shrink, side * shrink, side, side)


def test_a_stored_tile_passes_through_untouched(tmp_path: Path) -> None:
    path = tmp_path / "s.svs"
    path.write_bytes(cc0_bytes())
    with open_slide(path) as reader:
        jpeg = reader.read_region(same(240, 480, 240))
    scan = jpeg[jpeg.index(b"\xff\xda") :]
    assert scan in cc0_bytes()
    assert (decoded(jpeg) == cc0_pixels()[480:720, 240:480]).all()


def test_a_stored_frame_of_dicom_passes_through_untouched(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "s.dcm")
    with open_slide(path) as reader:
        side = reader.layout().stored_px
        jpeg = reader.read_region(same(side, 0, side))
    assert jpeg[jpeg.index(b"\xff\xda") :] in path.read_bytes()


def test_a_rectangle_between_tiles_is_decoded_and_encoded_again(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "s.tif", cc0_pixels())
    with open_slide(path) as reader:
        pixels = decoded(reader.read_region(Region(300, 700, 200, 100, 200, 100)))
    assert pixels.shape == (100, 200, 3)
    assert np.abs(pixels.astype(int) - cc0_pixels()[700:800, 300:500]).mean() < 6


def test_a_coarser_level_that_was_rounded_down_is_hit_exactly(large: SlideReader) -> None:
    """41,000 px shrunk by 16 are 2,562.5; the stored level has 2,562, so every square would be off by rounding."""
    for column in (0, 5, 9):
        jpeg = large.read_region(same(256 * 16 * column, 0, 256, shrink=16))
        assert jpeg[jpeg.index(b"\xff\xda") :] in large_slide()


def test_the_edge_of_a_slide_is_cut_to_its_size(large: SlideReader) -> None:
    start = LARGE_PX // 256 * 256
    assert decoded(large.read_region(Region(start, 0, LARGE_PX - start, 256, LARGE_PX - start, 256))).shape == (
        256,
        LARGE_PX - start,
        3,
    )


def test_the_whole_slide_fits_into_one_pixel(large: SlideReader) -> None:
    assert decoded(large.read_region(Region(0, 0, LARGE_PX, LARGE_PX, 1, 1))).shape == (1, 1, 3)


def test_damage_is_an_error_and_never_white(tmp_path: Path) -> None:
    path = tmp_path / "s.svs"
    path.write_bytes(garbled([0]))
    with open_slide(path) as reader, pytest.raises(DamagedRegionError):
        reader.read_region(Region(0, 0, 200, 200, 100, 100))


def test_a_slide_without_levels_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "MAX_REGION_READ_PX", 1000)
    path = write_tiff(tmp_path / "s.tif", cc0_pixels())
    with open_slide(path) as reader, pytest.raises(NoLevelError):
        reader.read_region(Region(0, 0, 2220, 2967, 222, 297))


@pytest.mark.parametrize(
    ("stored", "requested"), [(240, 240), (256, 256), (1024, 1024), (0, 512), (64, 512), (4096, 512)]
)
def test_viewers_ask_for_stored_tiles_unless_these_are_tiny_or_huge(stored: int, requested: int) -> None:
    assert viewer_px(Layout(40_000, 40_000, stored)) == requested
