"""The pages of a TIFF: size, tiles and colours of each, checked against the limits."""

from dataclasses import dataclass

import numpy as np

from services.tiler import limits
from services.tiler.byte_source import ByteSource
from services.tiler.errors import SlideBeyondBoundsError, UnreadableSlideError
from services.tiler.tiff_directory import Directory, Field, TiffFile

_REDUCED = 1
_TABLE_ITEMS = {3: "u2", 4: "u4", 16: "u8"}
_SCAN_ITEMS = 2**18
_CODECS = {
    1: "none",
    5: "lzw",
    6: "ojpeg",
    7: "jpeg",
    8: "deflate",
    32773: "packbits",
    32946: "deflate",
    33003: "jpeg2000",
    33005: "jpeg2000",
    33007: "jpeg",
    34712: "jpeg2000",
    34925: "lzma",
    50000: "zstd",
    50001: "webp",
    50002: "jpegxl",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Unsigned integers, one for each stored tile, that stay in the file."""

    at: int
    items: int
    dtype: np.dtype[np.generic]

    def place(self, index: int) -> tuple[int, int]:
        """Offset of an entry in the file, and its length."""
        return self.at + index * self.dtype.itemsize, self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class TiffPage:
    """One image of a TIFF; tiles of 0 px if it is stored in strips."""

    number: int
    parent: int | None
    """The page that this one is a SubIFD of."""
    reduced: bool
    width_px: int
    height_px: int
    tile_width_px: int
    tile_height_px: int
    bits: tuple[int, ...]
    samples: int
    sample_format: int
    photometric: int | None
    planar: int
    compression: int
    predictor: int
    dots_per_unit: tuple[float, float]
    unit: int
    description: bytes
    jpeg_tables: bytes
    offsets: Table | None
    sizes: Table | None

    @property
    def tiled(self) -> bool:
        """Whether it is stored in tiles."""
        return min(self.tile_width_px, self.tile_height_px) > 0

    @property
    def columns(self) -> int:
        """Stored tiles across."""
        return -(-self.width_px // self.tile_width_px)

    @property
    def stored_tiles(self) -> int:
        """Number of stored tiles of one plane."""
        return self.columns * -(-self.height_px // self.tile_height_px)

    @property
    def codec(self) -> str:
        """Name of the compression."""
        return _CODECS.get(self.compression, f"compression {self.compression}")


def read_pages(source: ByteSource) -> tuple[TiffPage, ...]:
    """All pages of a TIFF, without reading pixels.

    Raises:
        UnreadableSlideError: its directories are damaged.
        SlideBeyondBoundsError: it claims more than one of `limits`.
    """
    file = TiffFile(source)
    pages = [_page(file, number, entry) for number, entry in enumerate(file.directories())]
    sized = tuple(page for page in pages if page.width_px and page.height_px)
    if not sized:
        raise UnreadableSlideError("the TIFF is damaged: no directory says how large its image is")
    for page in sized:
        _check(file, page)
    return sized


def largest(pages: tuple[TiffPage, ...]) -> TiffPage:
    """The page of the full resolution: the largest in tiles, else the largest."""
    return max(pages, key=lambda page: (page.tiled, page.width_px * page.height_px))


def _page(file: TiffFile, number: int, directory: Directory) -> TiffPage:
    fields = directory.fields

    def first(tag: int, default: int) -> int:
        return next(iter(file.numbers(fields.get(tag), 1)), default)

    return TiffPage(
        number=number,
        parent=directory.parent,
        reduced=bool(first(254, 0) & _REDUCED),
        width_px=first(256, 0),
        height_px=first(257, 0),
        tile_width_px=first(322, 0),
        tile_height_px=first(323, 0),
        bits=file.numbers(fields.get(258)) or (1,),
        samples=first(277, 1),
        sample_format=first(339, 1),
        photometric=first(262, -1) if 262 in fields else None,
        planar=first(284, 1),
        compression=first(259, 1),
        predictor=first(317, 1),
        dots_per_unit=(file.ratio(fields.get(282)), file.ratio(fields.get(283))),
        unit=first(296, 2),
        description=file.text(fields.get(270)),
        jpeg_tables=file.text(fields.get(347)),
        offsets=_table(file, fields.get(324)),
        sizes=_table(file, fields.get(325)),
    )


def _table(file: TiffFile, field: Field | None) -> Table | None:
    """A table that lies within the file."""
    if field is None or field.kind not in _TABLE_ITEMS or field.at + field.bytes > file.bytes:
        return None
    return Table(field.at, field.count, np.dtype(file.order + _TABLE_ITEMS[field.kind]))


def _check(file: TiffFile, page: TiffPage) -> None:
    limits.check_size(page.width_px, page.height_px)
    if page.tiled:
        pixel_bytes = max(page.samples, 1) * -(-max(page.bits) // 8)
        limits.check_tiles(page.tile_width_px, page.tile_height_px, pixel_bytes, page.stored_tiles)
    if page.sizes is not None:
        _check_stored_bytes(file, page.sizes)


def _check_stored_bytes(file: TiffFile, table: Table) -> None:
    for start in range(0, min(table.items, limits.MAX_STORED_TILES), _SCAN_ITEMS):
        at, size = table.place(start)
        count = min(_SCAN_ITEMS, table.items - start)
        most = int(np.frombuffer(file.data(at, count * size), table.dtype).max())
        if most > max(file.bytes, 1):
            raise UnreadableSlideError(
                f"the TIFF is damaged: a stored tile claims {most:,} bytes, more than the file has"
            )
        if most > limits.MAX_STORED_TILE_BYTES:
            bound = f"{limits.MAX_STORED_TILE_BYTES:,} at most"
            raise SlideBeyondBoundsError(f"a stored tile claims {most:,} bytes; {bound}")
