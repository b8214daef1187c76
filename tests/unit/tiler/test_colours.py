"""Slides that are no 8-bit RGB are refused for what they are, before their pixels are looked at."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.colours import check_pixels
from services.tiler.errors import UnsupportedFormatError
from services.tiler.planner import PlanSpec, plan
from services.tiler.readers import open_slide
from shared.canonical import sha256
from tests.support.slides import Pixels, cc0_pixels, grey_dicom, write_dicom, write_tiff
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


SIDE = 96
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
"""Optical density of haematoxylin and of eosin in red, green and blue (Ruifrok and Johnston 2001)."""
DYES = {"DAPI": (0, 0, 1), "FITC": (0, 1, 0), "TRITC": (1, 0, 0), "Cy3": (1, 0.6, 0), "Cy5": (1, 0, 1)}
seeds = st.integers(0, 2**32 - 1)


def _patches(rng: np.random.Generator, share: float, blur: float) -> np.ndarray:
    """Smooth patches over a share of a square, 0 to 1."""
    noise = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)), (0, 0), blur)
    above = np.maximum(noise - np.quantile(noise, 1 - share), 0)
    return np.asarray(above / above.max())


def _haematoxylin_eosin(seed: int, tissue: float, filled: float, lamp: float) -> Pixels:
    """Tissue on glass under a lamp of this brightness (1 is right), the left part of it filled with black."""
    rng = np.random.default_rng(seed)
    dyes = np.stack([_patches(rng, tissue, 2), _patches(rng, tissue, 6)], axis=2)
    light = 240 * lamp * 10 ** -(dyes @ STAINS * rng.uniform(0.4, 0.8))
    pixels: Pixels = np.clip(light + rng.normal(0, 2, light.shape), 0, 255).astype(np.uint8)
    pixels[:, : round(SIDE * filled)] = 0
    return pixels


def _fluorescence(seed: int, dyes: list[str], signal: float, haze: float) -> Pixels:
    """Signals of some dyes, each over a share of a black background that is never quite black."""
    rng = np.random.default_rng(seed)
    light = np.full((SIDE, SIDE, 3), haze) + rng.normal(0, 3, (SIDE, SIDE, 3))
    for dye in dyes:
        light += 255 * _patches(rng, signal, rng.uniform(1, 6))[..., None] * np.array(DYES[dye])
    return np.clip(light, 0, 255).astype(np.uint8)


@given(
    seed=seeds,
    dyes=st.lists(st.sampled_from(sorted(DYES)), min_size=1, max_size=3, unique=True),
    signal=st.floats(0.02, 0.25),
    haze=st.floats(0, 20),
)
def test_fluorescence_stored_as_rgb_is_named(seed: int, dyes: list[str], signal: float, haze: float) -> None:
    with pytest.raises(UnsupportedFormatError, match="fluorescence"):
        check_pixels(_fluorescence(seed, dyes, signal, haze))


@given(seed=seeds, tissue=st.floats(0.05, 0.7), filled=st.floats(0, 0.8), lamp=st.floats(0.1, 1))
def test_brightfield_is_kept_on_black_fill_and_in_dark_scans(
    seed: int, tissue: float, filled: float, lamp: float
) -> None:
    check_pixels(_haematoxylin_eosin(seed, tissue, filled, lamp))


def test_a_black_picture_is_not_called_fluorescence() -> None:
    check_pixels(np.zeros((SIDE, SIDE, 3), np.uint8))
