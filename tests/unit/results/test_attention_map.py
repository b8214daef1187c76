"""Attention is thinned out without losing a hot spot."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from services.results.attention_map import thin_out

TILE = (256.5, 300.25)


def slide(columns: int, rows: int, seed: int = 0) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """A full grid of tiles with random attention that sums to one."""
    y, x = np.mgrid[0:rows, 0:columns]
    coords = np.stack([np.floor(x.ravel() * TILE[0]), np.floor(y.ravel() * TILE[1])], axis=1).astype(np.int32)
    attention = np.random.default_rng(seed).random(len(coords)).astype(np.float32)
    return coords, attention / attention.sum()


def test_a_small_slide_is_drawn_tile_by_tile() -> None:
    coords, attention = slide(5, 4)
    drawn = thin_out(coords, attention, TILE)
    assert drawn.squares.merged == 1
    assert np.array_equal(drawn.squares.corners, coords)
    assert np.array_equal(drawn.attention, attention)


@given(columns=st.integers(1, 40), rows=st.integers(1, 40), largest=st.integers(4, 200))
def test_every_tile_lies_in_a_square_and_the_hottest_keeps_its_heat(columns: int, rows: int, largest: int) -> None:
    coords, attention = slide(columns, rows)
    drawn = thin_out(coords, attention, TILE, largest)
    squares = {(x, y) for x, y in drawn.squares.corners.tolist()}
    sides = np.array([drawn.squares.width_px, drawn.squares.height_px])
    homes = np.rint(np.floor((coords + 0.5) / sides) * sides).astype(int)
    assert {(x, y) for x, y in homes.tolist()} <= squares or drawn.squares.merged == 1
    assert drawn.attention.max() == attention.max()
    assert np.isclose(drawn.mean, attention.mean())


@given(columns=st.integers(10, 60), rows=st.integers(10, 60), largest=st.integers(20, 200))
def test_a_map_stays_near_the_wanted_size(columns: int, rows: int, largest: int) -> None:
    drawn = thin_out(*slide(columns, rows), TILE, largest)
    k = drawn.squares.merged
    assert len(drawn.attention) <= -(-columns // k) * -(-rows // k)
    assert len(drawn.attention) <= largest + (columns + rows) / k + 1


def test_a_slide_without_tiles_gives_an_empty_map() -> None:
    drawn = thin_out(np.zeros((0, 2), np.int32), np.zeros(0, np.float32), TILE)
    assert (drawn.as_json()["attention"], drawn.mean) == ([], 0)


def test_the_json_has_plain_short_numbers() -> None:
    values = thin_out(*slide(2, 1), TILE).as_json()
    assert values["x"] == [0, 256]
    assert all(len(repr(value)) <= 10 for value in values["attention"])
