"""Tiles straight from the file: OpenSlide's pixels, and no damage patched up in silence."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tiler import native_tiles, openslide_reader
from services.tiler.byte_source import LocalBytes
from services.tiler.native_tiles import NativeTiles
from services.tiler.openslide_reader import OpenSlidePixels
from services.tiler.ports import Cut, Tiles
from services.tiler.pyramid import PixelSource, find_damaged, read_region, read_tiles
from services.tiler.readers import open_slide
from services.tiler.resolution import Override
from services.tiler.tiff_page import read_pages
from services.tiler.tiff_tiles import TiffTiles
from services.tiler.tile_codecs import CorruptTileError, TileLayout, complete_jpeg, decode_jpeg
from shared.units import Level0Px, TilePx
from tests.support.slides import CC0_SLIDE, TCGA_SLIDE, garbled, write_tiff

CUT = Cut(Level0Px(256), Level0Px(256), TilePx(256))
ORIGINS = np.array([[x, y] for y in range(0, 2600, 300) for x in range(0, 1900, 300)], np.int32)


def tiles_of(path: Path) -> Tiles:
    with open_slide(path, Override(default=0.5)) as reader:
        return reader.read_tiles(ORIGINS, CUT)


def source_of(path: Path) -> PixelSource:
    return openslide_reader._source(path, read_pages(LocalBytes(path)), OpenSlidePixels(path))


def table_of(path: Path) -> tuple[list[int], list[int], int]:
    """Offsets and sizes of the stored tiles of the full resolution, and where the table of sizes lies."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        return list(page.dataoffsets), list(page.databytecounts), page.tags["TileByteCounts"].valueoffset


@pytest.mark.parametrize("path", [CC0_SLIDE, TCGA_SLIDE], ids=["jpeg", "jpeg 2000"])
def test_pixels_are_those_of_openslide(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tiles_of(path)
    monkeypatch.setattr(openslide_reader, "_direct", lambda *_: None)
    assert np.array_equal(ours.pixels, tiles_of(path).pixels)
    assert not ours.corrupt.any()


@pytest.mark.parametrize("path", [CC0_SLIDE, TCGA_SLIDE], ids=["jpeg", "jpeg 2000"])
def test_a_stored_tile_that_lost_its_end_spoils_the_tiles_over_it_and_no_other(path: Path, tmp_path: Path) -> None:
    offsets, sizes, _ = table_of(path)
    data, place = bytearray(path.read_bytes()), 44
    data[offsets[place] + sizes[place] // 2 : offsets[place] + sizes[place]] = bytes(sizes[place] - sizes[place] // 2)
    damaged = tmp_path / "slide.svs"
    damaged.write_bytes(data)
    sound, now = tiles_of(path), tiles_of(damaged)
    assert 1 <= now.corrupt.sum() <= 4
    assert np.array_equal(now.pixels[~now.corrupt], sound.pixels[~now.corrupt])


@settings(max_examples=20)
@given(places=st.sets(st.integers(0, 129), max_size=8), px=st.sampled_from([64, 256, 512]))
def test_tiles_found_damaged_are_those_that_reading_marks(
    places: set[int], px: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("garbled") / "slide.svs"
    path.write_bytes(garbled(sorted(places)))
    cut = Cut(Level0Px(256), Level0Px(256), TilePx(px))
    for source in (source_of(path), OpenSlidePixels(path)):
        damaged, read = find_damaged(source, ORIGINS, cut), read_tiles(source, ORIGINS, cut)
        source.close()
        assert np.array_equal(damaged, read.corrupt)


def test_looking_for_damage_decodes_a_stored_tile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: Counter[tuple[int, int, int]] = Counter()
    decode = TiffTiles.decode
    monkeypatch.setattr(TiffTiles, "decode", lambda self, *at: decoded.update([at]) or decode(self, *at))
    with open_slide(CC0_SLIDE) as reader:
        decoded.clear()
        for origins in np.array_split(np.concatenate([ORIGINS, ORIGINS[::-1]]), 7):
            reader.find_damaged(origins, CUT)
    assert set(decoded.values()) == {1}


def test_damage_that_libjpeg_would_patch_up_is_corrupt() -> None:
    offsets, sizes, _ = table_of(CC0_SLIDE)
    with tifffile.TiffFile(CC0_SLIDE) as tiff:
        tables = tiff.pages.first.jpegtables or b""
    sound = CC0_SLIDE.read_bytes()[offsets[60] : offsets[60] + sizes[60]]
    side = TileLayout(240, 240)
    assert decode_jpeg(complete_jpeg(sound, tables, rgb=True), side).shape == (240, 240, 3)
    for damaged in (
        sound[: len(sound) // 2],
        sound[:-2] + b"\x11\x22" * 20 + b"\xff\xd9",
        sound[:300] + sound[330:],
        bytes(len(sound)),
    ):
        with pytest.raises(CorruptTileError):
            decode_jpeg(complete_jpeg(damaged, tables, rgb=True), side)


def test_a_tile_that_was_never_stored_is_white_and_not_corrupt(tmp_path: Path) -> None:
    _, _, table = table_of(CC0_SLIDE)
    data = bytearray(CC0_SLIDE.read_bytes())
    data[table + 4 * 44 : table + 4 * 45] = bytes(4)
    path = tmp_path / "slide.svs"
    path.write_bytes(data)
    inside = np.array([[4 * 240, 4 * 240]], np.int32)
    with open_slide(path) as reader:
        tile = reader.read_tiles(inside, Cut(Level0Px(240), Level0Px(240), TilePx(240)))
    assert not tile.corrupt.any()
    assert (tile.pixels == 255).all()


def test_a_file_whose_colours_we_would_misread_is_left_to_openslide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tiff(tmp_path / "slide.tif", np.full((512, 512, 3), (200, 120, 160), np.uint8))
    assert isinstance(source_of(path), NativeTiles)
    monkeypatch.setattr(TiffTiles, "decode", lambda *_: np.zeros((256, 256, 3), np.uint8))
    assert isinstance(source_of(path), OpenSlidePixels)


def test_tiles_are_read_into_the_memory_that_is_given() -> None:
    out = np.empty((len(ORIGINS), CUT.px, CUT.px, 3), np.uint8)
    with open_slide(CC0_SLIDE) as reader:
        passed, own = reader.read_tiles(ORIGINS, CUT, out), reader.read_tiles(ORIGINS, CUT)
    assert passed.pixels is out
    assert np.array_equal(out, own.pixels)


@pytest.mark.parametrize(("steps", "gap"), [([256, 257, 256], 1), ([257, 5000], 1), ([250], 0), ([269], 0), ([], 0)])
def test_pixels_between_neighbouring_boxes_are_known_to_be_read_by_none(steps: list[int], gap: int) -> None:
    starts = np.cumsum([0, *steps])
    boxes = np.array([(x, 7, 256, 256) for x in starts.tolist()])
    assert native_tiles._gap(boxes) == native_tiles._gap(boxes[:, [1, 0, 2, 3]]) == gap


def test_a_cache_too_small_for_one_tile_changes_no_pixel(tmp_path: Path) -> None:
    (tmp_path / "slide.svs").write_bytes(garbled([74]))
    slide = OpenSlidePixels(tmp_path / "slide.svs")
    boxes = np.array([[x, y, 300, 300] for x in range(0, 1800, 250) for y in range(1500, 2400, 250)])
    regions = []
    for cache in (0, 10**8):
        file = LocalBytes(tmp_path / "slide.svs")
        store = TiffTiles.of(file, read_pages(file), slide.levels)
        assert store is not None
        source = NativeTiles(store, cache)
        regions.append([read_region(source, 0, box) for box in boxes.tolist()])
        source.close()
    for small, large in zip(*regions, strict=True):
        assert (small is None) == (large is None)
        assert small is None or np.array_equal(small, large)
