"""A slide reader over any source of pixels."""

from collections.abc import Sequence
from typing import Self

from services.tiler import pyramid
from services.tiler.ports import Cut, Layout, Mask, Origins, Overview, Region, Resolution, Rgb, SlideFacts, Tiles
from services.tiler.pyramid import PixelSource
from services.tiler.region import jpeg_of, layout_of
from services.tiler.resolution import Override, resolve
from shared.units import MicronsPerPx


class PixelReader:
    """An open slide; `stated` are the resolutions in its file, the most trusted first."""

    def __init__(
        self,
        kind: str,
        codec: str,
        source: PixelSource,
        stated: Sequence[Resolution],
        override: Override,
        scanned_from: tuple[int, int] = (0, 0),
    ) -> None:
        self._kind = kind
        self._codec = codec
        self._source = source
        self._stated = stated
        self._override = override
        self._scanned_from = scanned_from

    def describe(self) -> SlideFacts:
        """Describe the slide; raises NoResolutionError or ImplausibleResolutionError."""
        source = self._source
        return SlideFacts(self._kind, self._codec, source.levels, self._resolution(), source.reader, self._scanned_from)

    def read_tiles(self, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
        """Read tiles as their preprocessing has it, into `out` if given; damaged ones are marked."""
        return pyramid.read_tiles(self._source, origins, cut, out)

    def find_damaged(self, origins: Origins, cut: Cut) -> Mask:
        """Which tiles `read_tiles` would mark."""
        return pyramid.find_damaged(self._source, origins, cut)

    def read_overview(self, um_per_px: MicronsPerPx) -> Overview:
        """Read the whole slide at `um_per_px`."""
        return pyramid.read_overview(self._source, self._resolution(), um_per_px)

    def layout(self) -> Layout:
        """Size of the slide, and of the tiles that it stores."""
        return layout_of(self._source, self._codec)

    def read_region(self, region: Region) -> bytes:
        """One rectangle as a JPEG file; raises DamagedRegionError or NoLevelError."""
        return jpeg_of(self._source, region)

    def close(self) -> None:
        """Close the files."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _resolution(self) -> Resolution:
        return resolve(self._stated, self._override)
