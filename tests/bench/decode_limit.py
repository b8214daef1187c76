"""What no reader can beat: each stored tile under some positions decoded once by the same library."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg

from services.tiler.native_tiles import NativeTiles
from services.tiler.pixel_reader import PixelReader
from services.tiler.ports import Cut, Origins
from services.tiler.pyramid import _boxes
from services.tiler.readers import open_slide
from services.tiler.tile_codecs import TileLayout


@dataclass(frozen=True, slots=True)
class StoredTiles:
    """JPEG files, and the size to which each is decoded."""

    jpegs: tuple[bytes, ...]
    side: TileLayout

    @classmethod
    def under(cls, slide: Path, origins: Origins, cut: Cut) -> "StoredTiles":
        """Those that a reader needs for tiles, in the file's order."""
        with open_slide(slide) as reader:
            assert isinstance(reader, PixelReader)
            source = reader._source
            assert isinstance(source, NativeTiles)
            level, boxes = _boxes(source, origins, cut)
            store, stored = source._store._store, source._store._stored
            number = level if level < stored else source._store._reduced[level - stored].number
            places = sorted(source._pieces(level, boxes))
            jpegs = tuple(store.stored_jpeg(number, column, row) or b"" for row, column in places)
            return cls(jpegs, source._store.layouts[level])

    def decode(self) -> None:
        """Decode each once, all into the same memory."""
        out = np.empty(self.side.bytes, np.uint8)
        height, width, *_ = simplejpeg.decode_jpeg_header(self.jpegs[0])
        smaller = (height, width) != (self.side.height_px, self.side.width_px)
        least = {"min_height": self.side.height_px, "min_width": self.side.width_px} if smaller else {}
        for jpeg in self.jpegs:
            simplejpeg.decode_jpeg(jpeg, "RGB", buffer=out, strict=True, **least)
