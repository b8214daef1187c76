"""Tiles of a TIFF slide, read straight from the file: several times as fast as through OpenSlide."""

from collections.abc import Iterable, Sequence
from typing import Self

from services.tiler.byte_source import ByteSource
from services.tiler.ports import Level, Rgb
from services.tiler.table_blocks import TableBlocks
from services.tiler.tiff_page import TiffPage, largest
from services.tiler.tile_codecs import (
    CorruptTileError,
    TileLayout,
    complete_jpeg,
    decode_jpeg,
    decode_jpeg2000,
    decode_packed,
)

_JPEG_2000_RGB = 33005
_RGB = 2
_PACKED = {"none", "lzw", "deflate"}
_PREDICTORS = {1, 2}
_LOWEST_DOWNSAMPLE = 1.2
"""A page of almost the same size is not a level of a pyramid."""
_ASPECT = 0.02
"""Largest relative difference between the shrinkage of width and height."""


class TiffTiles:
    """A tile store over the tiled pages of a TIFF that hold the given levels."""

    def __init__(self, source: ByteSource, pages: Sequence[TiffPage], levels: tuple[Level, ...]) -> None:
        self.levels = levels
        self.layouts = tuple(TileLayout(page.tile_width_px, page.tile_height_px) for page in pages)
        self.codecs = tuple(page.codec for page in pages)
        self._pages = tuple(pages)
        self._source = source
        self._tables = TableBlocks(source)

    @classmethod
    def of(cls, source: ByteSource, pages: Iterable[TiffPage], levels: tuple[Level, ...]) -> Self | None:
        """A store that closes the source; None, the source closed, if a level is no page of plain 8-bit tiles."""
        plain = [page for page in pages if _decodable(page)]
        usable_pages = [page for level in levels if (page := _page_of(plain, level))]
        if len(usable_pages) == len(levels):
            return cls(source, usable_pages, levels)
        source.close()
        return None

    def decode(self, level: int, column: int, row: int) -> Rgb | None:
        """One stored tile; None if the file stores none there.

        Raises:
            CorruptTileError: the tile is damaged or beyond the file's end.
        """
        page, side, codec = self._pages[level], self.layouts[level], self.codecs[level]
        if codec == "jpeg":
            jpeg = self.stored_jpeg(level, column, row)
            return None if jpeg is None else decode_jpeg(jpeg, side)
        data = self._stored(page, column, row)
        if data is None:
            return None
        if codec == "jpeg2000":
            return decode_jpeg2000(data, side)
        return decode_packed(data, side, codec, page.predictor)

    def stored_jpeg(self, level: int, column: int, row: int) -> bytes | None:
        """The JPEG file of one stored tile; None if the file stores none there, or in another compression.

        Raises:
            CorruptTileError: the tile lies beyond the file's end.
        """
        page = self._pages[level]
        data = self._stored(page, column, row) if self.codecs[level] == "jpeg" else None
        return None if data is None else complete_jpeg(data, page.jpeg_tables, page.photometric == _RGB)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _stored(self, page: TiffPage, column: int, row: int) -> bytes | None:
        """The bytes of a stored tile; None if there are none."""
        index = row * page.columns + column
        size = self._tables.entry(page.sizes, index)
        if size == 0:
            return None
        offset = self._tables.entry(page.offsets, index)
        data = self._source.read(offset, size) if offset else b""
        if len(data) < size:
            raise CorruptTileError(f"a tile of {size:,} bytes does not lie within the file")
        return data


def pyramid_of(pages: tuple[TiffPage, ...]) -> tuple[Level, ...]:
    """Levels of a TIFF without vendor: its largest tiled page at any position, and smaller copies of it."""
    full = largest(pages)
    copies = {page.width_px: page for page in pages if _is_copy(page, full)}
    steps = [full, *sorted(copies.values(), key=lambda page: -page.width_px)]
    return tuple(Level(page.width_px, page.height_px, full.width_px / page.width_px) for page in steps)


def _is_copy(page: TiffPage, full: TiffPage) -> bool:
    across, down = full.width_px / page.width_px, full.height_px / page.height_px
    smaller = min(across, down) > _LOWEST_DOWNSAMPLE
    alike = abs(across / down - 1) <= _ASPECT + 1 / min(page.width_px, page.height_px)
    return (page.reduced or page.parent == full.number) and smaller and alike and _decodable(page)


def _page_of(pages: Iterable[TiffPage], level: Level) -> TiffPage | None:
    size = (level.width_px, level.height_px)
    return next((page for page in pages if (page.width_px, page.height_px) == size), None)


def _decodable(page: TiffPage) -> bool:
    return (
        page.tiled
        and page.samples == 3
        and set(page.bits) == {8}
        and page.planar == 1
        and _codec_is_ours(page)
        and page.offsets is not None
        and page.sizes is not None
        and page.offsets.items == page.sizes.items == page.stored_tiles
    )


def _codec_is_ours(page: TiffPage) -> bool:
    if page.codec in _PACKED:
        return page.photometric == _RGB and page.predictor in _PREDICTORS
    return page.codec == "jpeg" or page.compression == _JPEG_2000_RGB
