"""The interface to a slide's stored tiles."""

from typing import Protocol

from services.tiler.ports import Level, Rgb
from services.tiler.tile_codecs import TileLayout


class TileStore(Protocol):
    """Stored tiles of a slide, decoded one by one."""

    levels: tuple[Level, ...]
    layouts: tuple[TileLayout, ...]
    codecs: tuple[str, ...]
    """Of each level, such as `jpeg`."""

    def decode(self, level: int, column: int, row: int) -> Rgb | None:
        """One stored tile, uint8 of the layout's size; None if the format has no tile there.

        Raises:
            CorruptTileError: its bytes do not decode.
        """

    def stored_jpeg(self, level: int, column: int, row: int) -> bytes | None:
        """The JPEG file of one stored tile; None if there is none, or in another compression.

        Raises:
            CorruptTileError: its bytes are missing.
        """

    def close(self) -> None:
        """Close files."""
