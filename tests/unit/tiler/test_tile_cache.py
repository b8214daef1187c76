"""Decoded tiles are held until their last pixel is taken, and the memory of those that are held is bounded."""

import numpy as np

from services.tiler.tile_cache import Gap, TileCache

_TILE = np.zeros((10, 10, 3), np.uint8)
_SIZE = _TILE.nbytes


def test_a_tile_leaves_with_its_last_pixel() -> None:
    cache = TileCache(10 * _SIZE, _SIZE)
    cache.keep((0, 0), _TILE, 100)
    assert cache.get((0, 0)) is _TILE
    cache.keep((0, 0), _TILE, _SIZE - 100)
    assert cache.get((0, 0)) is None


def test_a_tile_taken_whole_is_never_held() -> None:
    cache = TileCache(10 * _SIZE, _SIZE)
    cache.keep((0, 0), _TILE, _SIZE)
    assert cache.get((0, 0)) is None


def test_a_tile_leaves_where_only_pixels_between_boxes_are_left() -> None:
    cache = TileCache(10 * _SIZE, _SIZE)
    cache.keep((0, 0), _TILE, _SIZE - 30, never_read=30)
    cache.keep((1, 0), _TILE, _SIZE - 31, never_read=30)
    assert [cache.get((column, 0)) for column in range(2)] == [None, _TILE]


def test_the_least_recently_kept_tile_makes_room() -> None:
    cache = TileCache(2 * _SIZE, _SIZE)
    for column in (0, 1, 0, 2):
        cache.keep((column, 0), _TILE, 1)
    assert [column for column in range(3) if cache.get((column, 0)) is not None] == [0, 2]


def test_gaps_are_held_too_until_all_of_them_is_taken() -> None:
    cache = TileCache(_SIZE, _SIZE)
    cache.keep((0, 0), Gap.CORRUPT, 1)
    assert cache.get((0, 0)) is Gap.CORRUPT
    cache.clear()
    assert cache.get((0, 0)) is None
