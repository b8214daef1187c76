"""Tissue, pen and glass on real pixels and on painted ones."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tiler import tissue
from services.tiler.ports import Overview
from services.tiler.readers import open_slide
from services.tiler.tissue import OVERVIEW_UM_PER_PX, TissueRules, find_pen, find_tissue
from shared.units import MicronsPerPx
from tests.support.slides import CC0_SLIDE, INK_PICTURE, Pixels, blank, picture

RULES = TissueRules()
HAEMATOXYLIN_OD = np.array([0.65, 0.70, 0.29])
EOSIN_OD = np.array([0.07, 0.99, 0.11])


def whole(pixels: Pixels) -> Overview:
    return Overview(pixels, np.ones(pixels.shape[:2], np.bool_))


def stained(density: float, stain: np.ndarray, side: int = 64) -> Pixels:
    colour = 255 * 10 ** (-density * stain)
    noise = np.random.default_rng(0).normal(0, 6, (side, side, 3))
    return np.clip(colour + noise, 0, 255).astype(np.uint8)


def ink_overview() -> Pixels:
    return np.asarray(cv2.resize(picture(INK_PICTURE), (2800, 500), interpolation=cv2.INTER_AREA), np.uint8)


def test_tissue_of_the_bundled_slide_is_found_and_its_glass_is_not() -> None:
    with open_slide(CC0_SLIDE) as reader:
        tissue_map = find_tissue(reader.read_overview(OVERVIEW_UM_PER_PX), RULES)
    assert 0.35 < tissue_map.tissue.mean() < 0.42
    assert tissue_map.tissue[150, 60:100].all()
    assert not tissue_map.tissue[:, :2].any()
    assert tissue_map.pen.mean() < 0.001
    assert not tissue_map.unreadable.any()


def test_blank_glass_has_no_tissue() -> None:
    tissue_map = find_tissue(whole(blank(256)), RULES)
    assert not tissue_map.tissue.any()
    assert not tissue_map.pen.any()


def test_grey_dust_is_no_tissue() -> None:
    pixels = blank(256)
    pixels[80:160, 80:160] = 150
    assert not find_tissue(whole(pixels), RULES).tissue.any()


def test_a_speck_is_no_tissue_but_a_patch_is() -> None:
    pixels = blank(256)
    pixels[10:18, 10:18] = stained(0.6, EOSIN_OD, 8)
    pixels[100:164, 100:164] = stained(0.6, EOSIN_OD)
    tissue_map = find_tissue(whole(pixels), RULES).tissue
    assert not tissue_map[:60, :60].any()
    assert tissue_map[105:160, 105:160].all()


def test_the_ink_of_a_real_slide_is_pen_and_its_tissue_is_not() -> None:
    tissue_map = find_tissue(whole(ink_overview()), RULES)
    assert tissue_map.pen[395:440, 1900:1950].mean() > 0.95
    assert tissue_map.pen[:, :1750].mean() < 0.001
    assert tissue_map.tissue[130:230, 750:950].mean() > 0.85
    assert not (tissue_map.pen & tissue_map.tissue).any()


@pytest.mark.parametrize("density", [0.3, 0.6, 1.0, 1.5])
@pytest.mark.parametrize("stain", [HAEMATOXYLIN_OD, EOSIN_OD, (HAEMATOXYLIN_OD + EOSIN_OD) / 2])
def test_stains_are_never_pen_however_dense(density: float, stain: np.ndarray) -> None:
    assert not find_pen(stained(density, stain)).any()


@pytest.mark.parametrize("ink", [(20, 60, 140), (30, 50, 110), (10, 120, 60), (40, 160, 130), (25, 25, 28)], ids=str)
def test_blue_green_and_black_markers_are_pen(ink: tuple[int, int, int]) -> None:
    pixels = blank(128)
    pixels[40:80, 40:80] = ink
    assert find_pen(pixels)[42:78, 42:78].all()


def test_unreadable_pixels_are_presumed_to_be_what_lies_nearest() -> None:
    pixels = blank(200)
    pixels[:, :100] = stained(0.6, EOSIN_OD, 200)[:, :100]
    readable = np.ones((200, 200), np.bool_)
    readable[50:80, 20:50] = readable[50:80, 150:180] = False
    pixels[~readable] = 255
    tissue_map = find_tissue(Overview(pixels, readable), RULES)
    assert tissue_map.presumed[50:80, 20:50].all()
    assert not tissue_map.presumed[50:80, 150:180].any()
    assert not (tissue_map.presumed & readable).any()


@pytest.mark.parametrize("colour", [0, 5, 12])
def test_black_around_a_scan_is_background_and_hides_neither_tissue_nor_ink(colour: int) -> None:
    inside = blank(400)
    inside[60:200, 60:200] = stained(0.6, EOSIN_OD, 140)
    inside[300:340, 300:340] = (25, 25, 28)
    pixels = np.full((1000, 1200, 3), colour, np.uint8)
    pixels[300:700, 500:900] = inside
    tissue_map = find_tissue(whole(pixels), RULES)
    assert tissue_map.tissue[370:490, 570:690].all()
    assert tissue_map.pen[602:638, 802:838].all()
    rest = np.ones(tissue_map.tissue.shape, np.bool_)
    rest[300:700, 500:900] = False
    assert not (tissue_map.tissue | tissue_map.pen)[rest].any()
    assert np.array_equal(tissue_map.tissue[310:690, 510:890], find_tissue(whole(inside), RULES).tissue[10:390, 10:390])


def test_a_large_black_gap_inside_a_scan_is_background() -> None:
    pixels = blank(400)
    pixels[100:200, 100:200] = 0
    tissue_map = find_tissue(whole(pixels), RULES)
    assert not (tissue_map.pen | tissue_map.tissue).any()


def test_black_ink_that_runs_over_the_edge_stays_ink() -> None:
    pixels = blank(300)
    noise = np.random.default_rng(0).integers(0, 24, (300, 60, 1), dtype=np.uint8)
    pixels[:, :60] = noise
    assert find_tissue(whole(pixels), RULES).pen[:, :58].mean() > 0.9


@given(st.integers(1, 40))
@settings(max_examples=15)
def test_strips_change_nothing(rows: int) -> None:
    pixels = ink_overview()[380:480, 1800:2200]
    readable = np.ones(pixels.shape[:2], np.bool_)
    readable[40:60, 40:90] = False
    at_once = find_tissue(Overview(pixels, readable), RULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tissue, "_STRIP_PX", rows * pixels.shape[1])
        in_strips = find_tissue(Overview(pixels, readable), RULES)
    for name in ("tissue", "pen", "unreadable", "presumed"):
        assert np.array_equal(getattr(at_once, name), getattr(in_strips, name))


@given(st.lists(st.integers(0, 255), min_size=1, max_size=500))
def test_the_percentile_of_counts_is_numpys(values: list[int]) -> None:
    counts = np.bincount(values, minlength=256)
    assert tissue._percentile(counts, 0.95) == pytest.approx(np.percentile(values, 95))


def test_a_coarser_overview_shows_the_same_tissue() -> None:
    with open_slide(CC0_SLIDE) as reader:
        fine, coarse = (find_tissue(reader.read_overview(MicronsPerPx(um)), RULES, MicronsPerPx(um)) for um in (8, 24))
    assert coarse.tissue.mean() == pytest.approx(fine.tissue.mean(), abs=0.03)
