"""What no reader can beat: each stored tile under given positions decoded once by the same library."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import simplejpeg

from services.tiler.byte_source import ByteSource, LocalBytes
from services.tiler.native_tiles import NativeTiles
from services.tiler.ports import Cut, Level, Origins
from services.tiler.pyramid import locate_tiles, read_tiles
from services.tiler.reduced_jpeg import ReducedJpeg
from services.tiler.tiff_page import TiffPage, read_pages
from services.tiler.tiff_tiles import TiffTiles, pyramid_of
from services.tiler.tile_codecs import TileLayout


class RecordingTiles(TiffTiles):
    """Stored tiles that keep each JPEG file that is read, by level, row and column."""

    def __init__(self, source: ByteSource, pages: Sequence[TiffPage], levels: tuple[Level, ...]) -> None:
        super().__init__(source, pages, levels)
        self.jpegs: dict[tuple[int, int, int], bytes] = {}

    def stored_jpeg(self, level: int, column: int, row: int) -> bytes | None:
        """As of the base class."""
        jpeg = super().stored_jpeg(level, column, row)
        if jpeg is not None:
            self.jpegs[level, row, column] = jpeg
        return jpeg


@dataclass(frozen=True, slots=True)
class StoredTiles:
    """JPEG files, and the size to which each is decoded."""

    jpegs: tuple[bytes, ...]
    side: TileLayout

    @classmethod
    def under(cls, slide: Path, origins: Origins, cut: Cut) -> Self:
        """Those that the reader takes for these tiles, in the file's order."""
        file = LocalBytes(slide)
        pages = read_pages(file)
        store = RecordingTiles.of(file, pages, pyramid_of(pages))
        assert store is not None
        with closing(NativeTiles(store)) as source:
            read_tiles(source, origins, cut)
            level, _ = locate_tiles(source, origins, cut)
        return cls(tuple(store.jpegs[key] for key in sorted(store.jpegs)), ReducedJpeg(store).layouts[level])

    def decode(self) -> None:
        """Decode each once, all into the same memory."""
        out = np.empty(self.side.bytes, np.uint8)
        height, width, *_ = simplejpeg.decode_jpeg_header(self.jpegs[0])
        smaller = (height, width) != (self.side.height_px, self.side.width_px)
        least = {"min_height": self.side.height_px, "min_width": self.side.width_px} if smaller else {}
        for jpeg in self.jpegs:
            simplejpeg.decode_jpeg(jpeg, "RGB", buffer=out, strict=True, **least)
