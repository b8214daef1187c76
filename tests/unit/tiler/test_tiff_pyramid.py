"""Which pages of a TIFF are the slide: the largest, wherever it stands, and smaller copies of it."""

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from services.tiler.errors import UnsupportedFormatError
from services.tiler.ports import Cut, Tiles
from services.tiler.readers import open_slide
from services.tiler.tile_codecs import CorruptTileError, TileLayout, decode_packed
from shared.units import Level0Px, TilePx
from tests.support.slides import cc0_pixels, ome_xml

STORED: dict[str, Any] = {"tile": (256, 256), "photometric": "rgb", "resolutionunit": "CENTIMETER"}
WHOLE = Cut(Level0Px(512), Level0Px(512), TilePx(512))
AT = np.array([[700, 1500], [0, 0]], np.int32)


def write_pages(path: Path, steps: tuple[int, ...], compression: str | None = "jpeg", flagged: bool = True) -> Path:
    with tifffile.TiffWriter(path) as tiff:
        for step in steps:
            dots = 10_000 / 0.499 / step
            subfile = int(step > 1 and flagged)
            pixels = cc0_pixels()[::step, ::step]
            tiff.write(pixels, compression=compression, subfiletype=subfile, resolution=(dots, dots), **STORED)
    return path


def tiles_of(path: Path) -> Tiles:
    with open_slide(path) as reader:
        return reader.read_tiles(AT, WHOLE)


@pytest.mark.parametrize("steps", list(permutations((1, 2, 4))), ids=str)
@pytest.mark.parametrize("flagged", [True, False], ids=["flagged", "plain"])
def test_the_largest_page_is_the_full_resolution_wherever_it_stands(
    steps: tuple[int, ...], flagged: bool, tmp_path: Path
) -> None:
    path = write_pages(tmp_path / "slide.tif", steps, flagged=flagged)
    with open_slide(path) as reader:
        slide = reader.describe()
    assert (slide.width_px, slide.height_px) == (2220, 2967)
    assert slide.resolution.mpp_x == pytest.approx(0.499)
    assert [round(level.downsample) for level in slide.levels] == ([1, 2, 4] if flagged else [1])
    sound = tiles_of(write_pages(tmp_path / "sound.tif", (1, 2, 4)))
    assert np.array_equal(tiles_of(path).pixels, sound.pixels)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_tiles_without_loss_are_read_where_openslide_sees_another_page(compression: str | None, tmp_path: Path) -> None:
    tiles = tiles_of(write_pages(tmp_path / "slide.tif", (4, 1), compression))
    assert not tiles.corrupt.any()
    assert np.array_equal(tiles.pixels[0], cc0_pixels()[1500:2012, 700:1212])


def test_a_codec_that_nobody_decodes_is_named(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "slide.tif", (4, 1), "zstd")
    with pytest.raises(UnsupportedFormatError, match="zstd"):
        open_slide(path)


def test_levels_below_a_page_are_levels(tmp_path: Path) -> None:
    path = tmp_path / "slide.ome.tif"
    stored = {**STORED, "compression": "jpeg", "metadata": None}
    xml = ome_xml(2220, 2967, {"X": "499 nm", "Y": "499 nm"})
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(cc0_pixels(), subifds=2, description=xml, **stored)
        for step in (2, 4):
            tiff.write(cc0_pixels()[::step, ::step], subfiletype=1, **stored)
    with open_slide(path) as reader:
        slide = reader.describe()
    assert [round(level.downsample) for level in slide.levels] == [1, 2, 4]
    assert slide.resolution.source == "ome.PhysicalSize"


@pytest.mark.parametrize("harm", ["zeroed", "no offset"])
def test_a_stored_tile_without_bytes_is_corrupt(harm: str, tmp_path: Path) -> None:
    path = write_pages(tmp_path / "slide.tif", (1,))
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        offset, size, table = page.dataoffsets[0], page.databytecounts[0], page.tags["TileOffsets"].valueoffset
    data = bytearray(path.read_bytes())
    if harm == "zeroed":
        data[offset : offset + size] = bytes(size)
    else:
        data[table : table + 4] = bytes(4)
    path.write_bytes(data)
    assert tiles_of(path).corrupt.tolist() == [False, True]


@pytest.mark.parametrize("codec", ["none", "lzw", "deflate"])
@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\xff" * 500])
def test_bytes_that_do_not_unpack_are_corrupt(codec: str, data: bytes) -> None:
    with pytest.raises(CorruptTileError):
        decode_packed(data, TileLayout(16, 16), codec, 1)
