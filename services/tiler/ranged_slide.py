"""Opens a slide in the bucket by byte ranges: tiled TIFFs (Aperio, OME, generic) and DICOM, with the usual readers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from services.tiler import colours
from services.tiler.block_bytes import VIEW_BLOCK, BlockBytes
from services.tiler.dicom_reader import DicomReader
from services.tiler.errors import UnsupportedFormatError
from services.tiler.limits import check_levels
from services.tiler.native_tiles import NativeTiles
from services.tiler.openslide_reader import PLAIN_TIFF
from services.tiler.pixel_reader import PixelReader
from services.tiler.ports import Level
from services.tiler.range_channel import RangeClient, RemoteBytes
from services.tiler.resolution import Override
from services.tiler.tiff_page import largest, read_pages
from services.tiler.tiff_tiles import TiffTiles

DICOM = "dicom"
FORMATS = PLAIN_TIFF | {DICOM}
"""Formats that are read by ranges; all others need their files on disk."""


@dataclass(frozen=True, slots=True)
class RangedSlide:
    """A planned slide: its format and levels as its plan has them, and the bytes of each file."""

    format: str
    levels: tuple[Level, ...]
    sizes: tuple[int, ...]
    block: int = VIEW_BLOCK
    """Bytes that are read at once when it is open."""

    @classmethod
    def of_plan(cls, described: Mapping[str, Any], sizes: tuple[int, ...]) -> Self | None:
        """The slide of a plan's description; None if its format is not read by ranges."""
        slide = described["slide"]
        ranged = slide["format"] in FORMATS
        return cls(slide["format"], tuple(Level(**level) for level in slide["levels"]), sizes) if ranged else None

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """The slide that a message of `as_message` describes."""
        levels = tuple(Level(**each) for each in message["levels"])
        return cls(message["format"], levels, tuple(message["sizes"]), message["block"])

    def as_message(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def open_ranged(slide: RangedSlide, client: RangeClient) -> PixelReader:
    """Open a slide.

    Raises:
        SlideError: it is not what its plan says, or cannot be read this way.
        OSError: its bytes do not come.
    """
    files = [BlockBytes(RemoteBytes(client, number, size)) for number, size in enumerate(slide.sizes)]
    reader = DicomReader(files, Override()) if slide.format == DICOM else _open_tiff(slide, files[0])
    for file in files:
        file.grow(slide.block)
    return reader


def _open_tiff(slide: RangedSlide, file: BlockBytes) -> PixelReader:
    check_levels(slide.levels)
    pages = read_pages(file)
    full = largest(pages)
    colours.check_tiff(full)
    tiles = TiffTiles.of(file, pages, slide.levels)
    if tiles is None:
        raise UnsupportedFormatError("the TIFF holds no plain tiles of the levels that were planned")
    return PixelReader(slide.format, full.codec, NativeTiles(tiles), (), Override())
