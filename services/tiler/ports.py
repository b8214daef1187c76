"""Interfaces of the tiler: local files of a slide, and a reader of its facts, overview and tiles."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from shared.blob.port import BlobInfo
from shared.preprocessing import Preprocessing
from shared.units import Level0Px, MicronsPerPx, Sha256, TilePx

Rgb = NDArray[np.uint8]
"""uint8 [height, width, 3], or [n, height, width, 3]."""
Origins = NDArray[np.int32]
"""int32 [n, 2]: x and y of upper left corners, level-0 pixels."""
Mask = NDArray[np.bool_]
STORED_TILES = "tiles"


@dataclass(frozen=True, slots=True)
class Level:
    """One step of the pyramid; its pixels are `downsample` level-0 pixels wide."""

    width_px: int
    height_px: int
    downsample: float


@dataclass(frozen=True, slots=True)
class Resolution:
    """Microns per level-0 pixel of each axis, and their source."""

    mpp_x: MicronsPerPx
    mpp_y: MicronsPerPx
    source: str
    """`openslide.mpp-x`, `ome.PhysicalSize`, `tiff.XResolution`, `dicom.PixelSpacing`, or `override …`."""
    contradicted_by: tuple["Resolution", ...] = ()
    """What else the slide states, where it differs by more than 2 %."""


@dataclass(frozen=True, slots=True)
class SlideFacts:
    """Facts about a slide that need no decoding."""

    format: str
    codec: str
    """Compression of the full resolution, such as `jpeg`; `unknown` if the format does not state it."""
    levels: tuple[Level, ...]
    resolution: Resolution
    reader: str = ""
    """What decodes its tiles: STORED_TILES where they are read one by one as they are stored, `openslide` elsewhere."""
    scanned_from: tuple[int, int] = (0, 0)
    """x and y, level-0 pixels, of the corner of the area that the format states as scanned; QuPath counts from it."""

    @property
    def width_px(self) -> Level0Px:
        """Level-0 width."""
        return Level0Px(self.levels[0].width_px)

    @property
    def height_px(self) -> Level0Px:
        """Level-0 height."""
        return Level0Px(self.levels[0].height_px)


@dataclass(frozen=True, slots=True)
class Cut:
    """How to read a tile: `width_px` by `height_px` level-0 pixels, resampled to `px` by `px`."""

    width_px: Level0Px
    height_px: Level0Px
    px: TilePx
    preprocessing: Preprocessing = Preprocessing.AREA


@dataclass(frozen=True, slots=True)
class Tiles:
    """Pixels of n tiles, and which of them could not be decoded (their pixels mean nothing)."""

    pixels: Rgb
    """uint8 [n, px, px, 3]."""
    corrupt: Mask
    """bool [n]."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole slide at low resolution; `readable` is False where pixels could not be decoded."""

    pixels: Rgb
    """uint8 [height, width, 3]."""
    readable: Mask
    """bool [height, width]."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of a slide in level-0 pixels, and the side of its stored tiles where they are square JPEG, else 0."""

    width_px: int
    height_px: int
    stored_px: int


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in level-0 pixels, and the size of the picture to make of it."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    out_width_px: int
    out_height_px: int


class SlideReader(Protocol):
    """One open slide. Safe to use from several threads; label and macro images are never read."""

    def describe(self) -> SlideFacts:
        """Describe the slide.

        Raises:
            NoResolutionError: neither slide nor operator states the size of its pixels.
            ImplausibleResolutionError: its pixels cannot be that large or small.
        """

    def read_tiles(self, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
        """Read tiles as their preprocessing has it; a tile that fails to decode is marked, never white.

        Pixels are written to `out`, C-contiguous uint8 [n, px, px, 3], if given, else to memory of their own.
        """

    def find_damaged(self, origins: Origins, cut: Cut) -> Mask:
        """Which tiles `read_tiles` would mark as corrupt, bool [n]; each stored tile is decoded once."""

    def read_overview(self, um_per_px: MicronsPerPx) -> Overview:
        """Read the whole slide at `um_per_px`, the same pixels whatever the free memory."""

    def layout(self) -> Layout:
        """Size of the slide, and of the tiles that it stores."""

    def read_region(self, region: Region) -> bytes:
        """One rectangle as a JPEG file: the stored one where it is exactly that, else decoded, area-resampled, encoded.

        Raises:
            DamagedRegionError: it does not decode.
            NoLevelError: the slide stores no level that is coarse enough to read so much of it at once.
        """

    def close(self) -> None:
        """Close files and release caches."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


@dataclass(frozen=True, slots=True)
class LocalSlide:
    """A slide on this machine's disk."""

    path: Path
    """The path to open: its primary file, next to the others; for a DICOM series the folder of its files."""
    digest: Sha256
    """Of the file's bytes; of several files, of their digests, whatever their names."""


class SlideFiles(Protocol):
    """Provides slides as files on this machine's disk."""

    def has(self, files: Sequence[BlobInfo]) -> bool:
        """Whether these versions of a slide's files are on disk already."""

    def hold(self, files: Sequence[BlobInfo]) -> AbstractContextManager[LocalSlide]:
        """Keep exactly these versions of a slide's files on disk while the context lasts; the primary file is first.

        Raises:
            ObjectChangedError: an object is no longer that version, or its bytes do not match its checksum.
            EmptyObjectError, SlideTooLargeError, OutOfDiskError: it cannot be held.
        """
