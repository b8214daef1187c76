"""Attention on the report: what is even looks even, what is striking looks striking, as on the page."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.scorer_pb2 import SlideEvidence

from services.results import rest
from services.standalone import pictures
from shared.export import attention_picture, slide_attention
from shared.export.slide_attention import SlideAttention

SIDE = 8
PAGE = (Path(rest.__file__).parent / "page" / "attention.js").read_text()


def row_of(*attention: float) -> SlideAttention:
    """Tiles beside each other."""
    coords = [(100 * i, 0) for i in range(len(attention))]
    return SlideAttention(np.array(attention, np.float32), np.array(coords, np.int32).reshape(-1, 2))


def painted(attention: SlideAttention, bare: int = 0) -> np.ndarray:
    """RGB of each tile's middle on a white thumbnail, then of so many places without a tile."""
    places = len(attention.attention) + bare
    slide = SlideEvidence(width_px=100 * places, height_px=100, tile_width_px=100, tile_height_px=100)
    white = pictures.encode_png(np.full((SIDE, SIDE * places, 3), 255, np.uint8))
    return attention_picture.overlay(white, slide, attention)[SIDE // 2, SIDE // 2 :: SIDE]


def test_an_even_map_has_one_colour_and_not_the_deepest() -> None:
    even = row_of(*[0.01] * 100)
    assert len(np.unique(painted(even), axis=0)) == 1
    assert even.shares() == pytest.approx(0.5)


def test_nearly_even_attention_looks_nearly_even() -> None:
    tiles = painted(row_of(*np.linspace(0.0099, 0.0101, 100))).astype(int)
    assert np.ptp(tiles, axis=0).max() <= 3


def test_a_striking_tile_has_the_deepest_colour() -> None:
    striking = row_of(0.91, *[0.01] * 9)
    assert striking.shares()[0] == 1
    assert attention_picture.colours(striking.shares())[0] == pytest.approx([60, 0, 70])


def test_places_without_a_tile_stay_as_they_are() -> None:
    assert painted(row_of(0.5), bare=1)[1].tolist() == [255, 255, 255]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50))
def test_more_attention_is_never_paler(values: list[float]) -> None:
    shares = row_of(*sorted(values)).shares()
    assert np.all(np.diff(shares) >= 0)
    assert np.all((shares >= 0) & (shares <= 1))


def test_of_tiles_on_one_pixel_the_highest_is_seen() -> None:
    slide = SlideEvidence(width_px=100, height_px=100, tile_width_px=10, tile_height_px=10)
    coords = np.array([(0, 0), (10, 0), (20, 0)], np.int32)
    dot = pictures.encode_png(np.full((1, 1, 3), 255, np.uint8))
    high, low = (SlideAttention(np.array(a, np.float32), coords) for a in ([0.1, 0.9, 0.0], [0.9, 0.1, 0.0]))
    painted_high, painted_low = (attention_picture.overlay(dot, slide, attention) for attention in (high, low))
    assert np.array_equal(painted_high, painted_low)


def test_the_legend_says_highest_and_mean() -> None:
    assert attention_picture.legend(row_of(0.012, 0.004)) == "highest 1.2%, mean 0.8% of the case"
    assert attention_picture.legend(row_of(1.0)) == "highest 100%, mean 100% of the case"


@pytest.mark.parametrize(("highest", "expected"), [(0.1, False), (0.104, False), (0.12, True)])
def test_a_preference_is_more_than_a_few_percent_above_the_mean(highest: float, expected: bool) -> None:
    assert row_of(highest, *[0.1] * 99).has_preference is expected


def test_a_slide_that_the_model_ignored_has_no_preference() -> None:
    assert not row_of(0.0, 0.0).has_preference
    assert not row_of().has_preference


def test_report_and_page_colour_alike() -> None:
    def stated(name: str) -> object:
        match = re.search(rf"const {name} = (.+);", PAGE)
        assert match is not None
        return json.loads(match[1])

    assert stated("RAMP") == attention_picture.RAMP.tolist()
    assert (stated("FAINTEST"), stated("STRIKING")) == (attention_picture.FAINTEST, slide_attention.STRIKING)
    assert stated("PREFERENCE") == slide_attention.PREFERENCE
