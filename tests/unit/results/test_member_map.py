"""Prototypes and classes are thinned out to the most frequent of each square."""

import numpy as np

from services.results.member_map import thin_out

COORDS = np.array([(x, y) for y in range(0, 40, 10) for x in range(0, 40, 10)], np.int32)


def test_a_small_slide_is_drawn_tile_by_tile() -> None:
    numbers = (np.arange(16) % 3).astype(np.uint8)
    drawn = thin_out(COORDS, numbers, (10, 10)).as_json("prototype")
    assert (drawn["prototype"], drawn["merged"], drawn["x"]) == (numbers.tolist(), 1, COORDS[:, 0].tolist())


def test_tiles_that_share_a_square_show_the_most_frequent_prototype() -> None:
    numbers = np.array([2, 2, 0, 1, 2, 0, 1, 1, 0, 0, 3, 3, 0, 0, 3, 2], np.uint8)
    drawn = thin_out(COORDS, numbers, (10, 10), largest=4)
    by_corner = dict(zip(map(tuple, drawn.squares.corners.tolist()), drawn.members.tolist(), strict=True))
    assert by_corner == {(0, 0): 2, (20, 0): 1, (0, 20): 0, (20, 20): 3}
    assert (drawn.squares.merged, drawn.squares.width_px) == (2, 20)


def test_a_slide_without_tiles_has_an_empty_map() -> None:
    assert thin_out(np.zeros((0, 2), np.int32), np.zeros(0, np.uint8), (10, 10)).as_json("prototype")["prototype"] == []
