"""Tissue of SIMULATED slides: real regions, whole, as dense as asked for and all turned one way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.standalone.demo_case import DEMO_SLIDE
from services.standalone.simulated_tissue import TILE, Places, Source, draw_tissue, read_source

REGION = 2 * TILE
SPARSE, DENSE = 100, 200


@pytest.fixture(scope="module")
def real() -> Source:
    return read_source(DEMO_SLIDE)


def painted() -> Source:
    """Sparse regions at the top and dense ones below; green grows to the right and starts anew in every region."""
    pixels = np.full((4 * REGION, 4 * REGION, 3), SPARSE, np.uint8)
    pixels[2 * REGION :] = DENSE
    pixels[..., 1] = np.arange(4 * REGION) % REGION // 4
    places: Places = np.argwhere(np.ones((2, 4), np.bool_)) * REGION
    return Source(pixels, places, places + np.array([2 * REGION, 0]))


def share_of_dense(slide: np.ndarray) -> float:
    """Of the regions of a slide of painted tissue."""
    inside = slide[TILE:-TILE:REGION, TILE:-TILE:REGION, 0]
    return float((inside == DENSE).mean())


def test_every_region_lies_inside_the_source_and_holds_tissue(real: Source) -> None:
    for places in (real.sparse, real.dense):
        assert len(places) > 50
        for y, x in places[::8]:
            region = real.pixels[y : y + REGION, x : x + REGION]
            assert region.shape == (REGION, REGION, 3)
            assert (np.ptp(region, axis=2) > 18).mean() > 0.55


def test_every_dense_region_is_darker_than_every_sparse_one(real: Source) -> None:
    def dark(places: Places) -> list[float]:
        return [float((real.pixels[y : y + REGION, x : x + REGION, 0] < 140).mean()) for y, x in places[::4]]

    assert min(dark(real.dense)) > max(dark(real.sparse))


@settings(max_examples=15, deadline=None)
@given(share=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_the_share_of_dense_regions_is_the_one_asked_for_up_to_one_region(share: float, seed: int) -> None:
    slide = draw_tissue(painted(), share, np.random.default_rng(seed))
    regions = (slide.shape[0] - 2 * TILE) * (slide.shape[1] - 2 * TILE) / REGION**2
    assert abs(share_of_dense(slide) - share) < 1 / regions


def test_on_average_the_share_is_exact() -> None:
    rng, source = np.random.default_rng(3), painted()
    shares = [share_of_dense(draw_tissue(source, 0.37, rng)) for _ in range(40)]
    assert np.mean(shares) == pytest.approx(0.37, abs=0.02)


def test_all_regions_of_a_slide_are_turned_the_same_way_and_slides_differ() -> None:
    source, turned = painted(), set()
    for seed in range(12):
        green = draw_tissue(source, 0.5, np.random.default_rng(seed))[TILE:-TILE, TILE:-TILE, 1].astype(np.int64)
        right = {int(np.sign(green[y, x + 300] - green[y, x + 9])) for y, x in _corners(green)}
        down = {int(np.sign(green[y + 300, x] - green[y + 9, x])) for y, x in _corners(green)}
        assert len(right) == len(down) == 1
        turned.add((right.pop(), down.pop()))
    assert len(turned) > 2


def _corners(pixels: np.ndarray) -> list[tuple[int, int]]:
    return [(y, x) for y in range(0, pixels.shape[0], REGION) for x in range(0, pixels.shape[1], REGION)]


def test_the_margin_is_glass(real: Source) -> None:
    slide = draw_tissue(real, 0.5, np.random.default_rng(0))
    inner = np.zeros(slide.shape[:2], np.bool_)
    inner[TILE:-TILE, TILE:-TILE] = True
    assert np.unique(slide[~inner]).tolist() == [244]
