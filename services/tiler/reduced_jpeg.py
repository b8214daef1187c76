"""Levels between those that a slide stores: its JPEG tiles decoded at 1/2, 1/4 or 1/8 of their size."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.tiler.ports import Level, Rgb
from services.tiler.tile_codecs import TileLayout, decode_jpeg
from services.tiler.tile_store import TileStore

_SHRINKS = (2, 4, 8)
"""Sizes at which the inverse DCT of an 8 x 8 block gives whole pixels."""
_COARSER = 1.02
"""By how much a stored level must be coarser than a reduced one, or it is used itself."""


@dataclass(frozen=True, slots=True)
class _Reduced:
    """One level of the slide, decoded `shrink` times smaller."""

    number: int
    shrink: int
    level: Level
    layout: TileLayout


class ReducedJpeg:
    """A tile store of the stored levels, and after them the reduced ones."""

    def __init__(self, store: TileStore) -> None:
        self._store = store
        self._stored = len(store.levels)
        self._reduced = tuple(_reduced(store))
        self.levels = store.levels + tuple(each.level for each in self._reduced)
        self.layouts = store.layouts + tuple(each.layout for each in self._reduced)
        self.codecs = store.codecs + ("jpeg",) * len(self._reduced)

    def decode(self, level: int, column: int, row: int) -> Rgb | None:
        """One tile of a level, uint8 of the layout's size; None if the format has no tile there.

        Raises:
            CorruptTileError: its bytes do not decode.
        """
        if level < self._stored:
            return self._store.decode(level, column, row)
        reduced = self._reduced[level - self._stored]
        jpeg = self._store.stored_jpeg(reduced.number, column, row)
        return None if jpeg is None else decode_jpeg(jpeg, self._store.layouts[reduced.number], reduced.shrink)

    def stored_jpeg(self, level: int, column: int, row: int) -> bytes | None:
        """The JPEG file of one stored tile; None if there is none, in another compression or on a reduced level.

        Raises:
            CorruptTileError: its bytes are missing.
        """
        return self._store.stored_jpeg(level, column, row) if level < self._stored else None

    def close(self) -> None:
        """Close files."""
        self._store.close()


def _reduced(store: TileStore) -> Iterator[_Reduced]:
    """Reduced levels of each stored one that are finer than the next stored one."""
    for number, (level, layout) in enumerate(zip(store.levels, store.layouts, strict=True)):
        coarser = min((other.downsample for other in store.levels if other.downsample > level.downsample), default=None)
        for shrink in _SHRINKS if store.codecs[number] == "jpeg" else ():
            downsample = level.downsample * shrink
            whole = layout.width_px % shrink == layout.height_px % shrink == 0
            if whole and (coarser is None or downsample * _COARSER < coarser):
                size = -(-level.width_px // shrink), -(-level.height_px // shrink)
                side = TileLayout(layout.width_px // shrink, layout.height_px // shrink)
                yield _Reduced(number, shrink, Level(*size, downsample), side)
