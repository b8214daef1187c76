"""DCT preprocessing: JPEG tiles decoded smaller give nearly the pixels of areas, and are as strict about damage."""

from pathlib import Path

import numpy as np
import pytest

from services.tiler.byte_source import LocalBytes
from services.tiler.grid import GridSpec, lay
from services.tiler.native_tiles import NativeTiles
from services.tiler.planner import PlanSpec, plan_digest
from services.tiler.ports import Cut, Level, Origins
from services.tiler.pyramid import best_level, find_damaged, read_tiles, tile_boxes
from services.tiler.readers import open_slide
from services.tiler.reduced_jpeg import ReducedJpeg
from services.tiler.tiff_page import read_pages
from services.tiler.tiff_tiles import TiffTiles, pyramid_of
from services.tiler.tile_codecs import CorruptTileError, TileLayout, decode_jpeg
from shared.preprocessing import Preprocessing
from shared.units import Level0Px, Sha256, TilePx
from tests.support.slides import cc0_pixels, garbled, write_tiff

_SIDE = 512
_ORIGINS: Origins = np.array([[x, y] for y in range(0, 2400, 512) for x in range(0, 1600, 512)], np.int32)


def cut(px: int, preprocessing: Preprocessing) -> Cut:
    return Cut(Level0Px(_SIDE), Level0Px(_SIDE), TilePx(px), preprocessing)


def store_of(path: Path) -> TiffTiles:
    file = LocalBytes(path)
    pages = read_pages(file)
    store = TiffTiles.of(file, pages, pyramid_of(pages))
    assert store is not None
    return store


def source_of(path: Path) -> NativeTiles:
    return NativeTiles(store_of(path))


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One level of JPEG tiles of 256 px."""
    return write_tiff(tmp_path_factory.mktemp("slide") / "slide.tif", cc0_pixels(), (0.25, 0.25))


@pytest.mark.parametrize(("px", "least_db"), [(256, 40), (128, 38), (64, 36)])
def test_tiles_are_close_to_those_averaged_over_areas(slide: Path, px: int, least_db: float) -> None:
    source = source_of(slide)
    area, dct = (read_tiles(source, _ORIGINS, cut(px, each)) for each in Preprocessing)
    assert not dct.corrupt.any()
    difference = np.square(area.pixels.astype(float) - dct.pixels).mean()
    assert 10 * np.log10(255**2 / difference) > least_db


def test_a_tile_twice_as_fine_is_decoded_at_half_size(slide: Path) -> None:
    store = ReducedJpeg(store_of(slide))
    level = best_level(store.levels, 2.0)
    assert store.levels[level] == Level(1110, 1484, 2.0)
    tile = store.decode(level, 1, 1)
    assert tile is not None
    assert tile.shape == (128, 128, 3)


def test_a_stored_level_is_read_where_there_is_one(tmp_path: Path) -> None:
    source = source_of(write_tiff(tmp_path / "slide.tif", cc0_pixels(), (0.25, 0.25), shrinks=2))
    chosen = [best_level(source.reduced_levels, shrink) for shrink in (1.0, 2.0, 4.0, 8.0, 16.0)]
    assert chosen[:3] == [0, 1, 2]
    assert [source.reduced_levels[level].downsample for level in chosen[3:]] == pytest.approx([8, 16], rel=0.01)


def test_a_level_of_the_wanted_resolution_is_cut_as_it_is_about_the_same_centre() -> None:
    level = Level(10_000, 8_000, 1.0)
    wanted = Cut(Level0Px(258), Level0Px(260), TilePx(256), Preprocessing.DCT)
    boxes = tile_boxes([level], 0, np.array([[0, 0], [5160, 2600]], np.int32), wanted)
    assert boxes.tolist() == [[1, 2, 256, 256], [5161, 2602, 256, 256]]
    coarser = Cut(Level0Px(264), Level0Px(264), TilePx(256), Preprocessing.DCT)
    assert tile_boxes([level], 0, np.zeros((1, 2), np.int32), coarser).tolist() == [[0, 0, 264, 264]]


@pytest.mark.parametrize("px", [512, 256, 128, 64])
def test_damage_is_seen_at_every_size(tmp_path: Path, px: int) -> None:
    (tmp_path / "slide.svs").write_bytes(garbled([33, 74, 75]))
    source = source_of(tmp_path / "slide.svs")
    area, dct = (read_tiles(source, _ORIGINS, cut(px, each)) for each in Preprocessing)
    assert 0 < area.corrupt.sum() < len(_ORIGINS)
    assert np.array_equal(area.corrupt, dct.corrupt)
    assert np.array_equal(find_damaged(source, _ORIGINS, cut(px, Preprocessing.DCT)), dct.corrupt)


def test_a_picture_of_nearly_the_tiles_size_is_no_tile(slide: Path) -> None:
    jpeg = store_of(slide).stored_jpeg(0, 0, 0)
    assert jpeg is not None
    assert decode_jpeg(jpeg, TileLayout(256, 256), 2).shape == (128, 128, 3)
    with pytest.raises(CorruptTileError, match="256 x 256 px, not 255 x 255 px"):
        decode_jpeg(jpeg, TileLayout(255, 255), 2)


def test_the_default_leaves_digests_of_plans_as_they_were_and_another_changes_them(slide: Path) -> None:
    assert PlanSpec().model_dump()["grid"] == {"tile_px": 256, "tile_um": 128.0}
    with open_slide(slide) as reader:
        facts = reader.describe()
    grids = [GridSpec(preprocessing=each) for each in Preprocessing]
    digests = {plan_digest(Sha256("0" * 64), facts, PlanSpec(grid=grid)) for grid in grids}
    assert len(digests) == len(Preprocessing)
    assert [lay(grid, facts).cut.preprocessing for grid in grids] == list(Preprocessing)
