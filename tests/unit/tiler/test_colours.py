"""Slides that are no 8-bit RGB are refused for what they are, before their pixels are looked at."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from services.tiler.errors import UnsupportedFormatError
from services.tiler.planner import PlanSpec, plan
from services.tiler.readers import open_slide
from shared.canonical import sha256
from tests.support.slides import cc0_pixels, grey_dicom, write_dicom, write_tiff
from tests.support.tiffs import RawTiff, long, short, tiled_page

UNSUPPORTED = {
    "grey": (np.zeros((1024, 1024), np.uint8), "minisblack", "grey: one channel of 8 bits"),
    "16-bit grey": (np.zeros((1024, 1024), np.uint16), "minisblack", "grey: one channel of 16 bits"),
    "16-bit colour": (np.zeros((1024, 1024, 3), np.uint16), "rgb", "16 bits, not 8"),
    "floating point": (np.zeros((1024, 1024, 3), np.float32), "rgb", "floating-point"),
    "five channels": (np.zeros((1024, 1024, 5), np.uint8), "rgb", "5 channels"),
    "CMYK": (np.zeros((1024, 1024, 4), np.uint8), "separated", "CMYK"),
    "CIELAB": (np.zeros((1024, 1024, 3), np.uint8), "cielab", "CIELAB"),
}


@pytest.mark.parametrize(("pixels", "photometric", "reason"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_other_pixels_than_8_bit_rgb_are_named(
    pixels: np.ndarray, photometric: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, pixels, tile=(256, 256), photometric=photometric, planarconfig="contig")
    with pytest.raises(UnsupportedFormatError, match=reason):
        open_slide(path)


def test_a_palette_is_named(tmp_path: Path) -> None:
    page = tiled_page(512, 512, t258=short(8), t262=short(3), t277=short(1), t320=long(*range(4)))
    (tmp_path / "slide.tif").write_bytes(RawTiff([page]).packed())
    with pytest.raises(UnsupportedFormatError, match="palette"):
        open_slide(tmp_path / "slide.tif")


@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_dicom_slide_is_named(bits: int, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormatError, match=f"grey: one channel of {bits} bits"):
        open_slide(grey_dicom(tmp_path / "slide.dcm", bits))


def test_a_grey_label_does_not_refuse_the_slide_beside_it(tmp_path: Path) -> None:
    write_dicom(tmp_path / "volume.dcm")
    grey_dicom(tmp_path / "label.dcm", 8, "LABEL")
    with open_slide(tmp_path) as reader:
        assert reader.describe().width_px == 1152


def test_grey_stored_as_rgb_is_named(tmp_path: Path) -> None:
    grey = np.repeat(cc0_pixels().mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    with (
        open_slide(write_tiff(tmp_path / "slide.tif", grey)) as reader,
        pytest.raises(UnsupportedFormatError, match="all its pixels are grey"),
    ):
        plan(reader, PlanSpec(), sha256(b"slide"))
