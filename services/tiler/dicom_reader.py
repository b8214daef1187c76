"""DICOM whole-slide images, read by wsidicom; their JPEG frames are decoded strictly here."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
from wsidicom import WsiDicom, errors
from wsidicom.geometry import Point
from wsidicom.group.level import Level as DicomLevel

from services.tiler import pyramid
from services.tiler.dicom_preamble import with_preamble
from services.tiler.errors import NoResolutionError, SlideError, UnreadableSlideError, UnsupportedFormatError
from services.tiler.native_tiles import CorruptTileError, NativeTiles, TileLayout, check_jpeg2000_end, decode_jpeg
from services.tiler.ports import Cut, Level, Origins, Overview, Resolution, Rgb, SlideFacts, Tiles
from services.tiler.resolution import Override, resolve
from shared.units import MicronsPerPx

_CODECS = {
    "1.2.840.10008.1.2.4.50": "jpeg",
    "1.2.840.10008.1.2.4.90": "jpeg2000",
    "1.2.840.10008.1.2.4.91": "jpeg2000",
    "1.2.840.10008.1.2.4.201": "htj2k",
    "1.2.840.10008.1.2.4.202": "htj2k",
    "1.2.840.10008.1.2.4.203": "htj2k",
    "1.2.840.10008.1.2.4.80": "jpeg-ls",
    "1.2.840.10008.1.2.5": "rle",
    "1.2.840.10008.1.2.1": "none",
}


class DicomTiles:
    """A tile store over the frames of the levels of a DICOM slide."""

    def __init__(self, slide: WsiDicom) -> None:
        self._slide = slide
        self._levels: Sequence[DicomLevel] = list(slide.levels)
        full = self._levels[0].size
        self.levels = tuple(Level(lv.size.width, lv.size.height, full.width / lv.size.width) for lv in self._levels)
        self.layouts = tuple(TileLayout(lv.tile_size.width, lv.tile_size.height) for lv in self._levels)
        self.codec = _codec(self._levels[0])
        self._rgb = str(self._levels[0].datasets[0].photometric_interpretation) == "RGB"

    def decode(self, level: int, column: int, row: int) -> Rgb:
        """One frame, uint8 of the layout's size.

        Raises:
            CorruptTileError: the frame is damaged or beyond the file's end.
        """
        try:
            return self._decode(self._levels[level], Point(column, row))
        except Exception as error:  # wsidicom, pydicom and Pillow raise nearly anything over damaged bytes
            raise CorruptTileError(f"frame {column}, {row} of level {level}: {error}") from error

    def close(self) -> None:
        """Close the files."""
        self._slide.close()

    def _decode(self, level: DicomLevel, at: Point) -> Rgb:
        stored = level.get_encoded_tile(at, crop_to_image_boundary=False)
        if self.codec == "jpeg":
            return decode_jpeg(stored, rgb=self._rgb)
        if self.codec in {"jpeg2000", "htj2k"}:
            check_jpeg2000_end(stored)
        return np.asarray(level.get_tile(at, crop_to_image_boundary=False), np.uint8)


class DicomReader:
    """A slide reader for DICOM whole-slide images; `paths` are the files of one slide."""

    def __init__(self, paths: Sequence[Path], override: Override) -> None:
        self._override = override
        with ExitStack() as copies:
            self._slide = _open(copies.enter_context(with_preamble(paths)))
            self._tiles = _tiles(self._slide)
            self._copies = copies.pop_all()
        self._source = NativeTiles(self._tiles)

    def describe(self) -> SlideFacts:
        """Say what the slide is; raises NoResolutionError or ImplausibleResolutionError."""
        return SlideFacts("dicom", self._tiles.codec, self._tiles.levels, self._resolution())

    def read_tiles(self, origins: Origins, cut: Cut) -> Tiles:
        """Read tiles, area-resampled from the best level; damaged ones are marked."""
        return pyramid.read_tiles(self._source, origins, cut)

    def read_overview(self, um_per_px: MicronsPerPx) -> Overview:
        """Read the whole slide at `um_per_px`."""
        return pyramid.read_overview(self._source, self._resolution(), um_per_px)

    def close(self) -> None:
        """Close the files."""
        self._source.close()
        self._copies.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _resolution(self) -> Resolution:
        spacing = self._slide.levels[0].pixel_spacing
        if spacing is None:
            return resolve(None, self._override)
        mpp_x, mpp_y = MicronsPerPx(spacing.width * 1000), MicronsPerPx(spacing.height * 1000)
        return resolve(Resolution(mpp_x, mpp_y, "dicom.PixelSpacing"), self._override)


def _open(paths: Sequence[Path]) -> WsiDicom:
    try:
        return WsiDicom.open(paths)
    except (errors.WsiDicomNotFoundError, errors.WsiDicomNotSupportedError) as error:
        raise UnsupportedFormatError("the DICOM file holds no whole-slide image that can be read") from error
    except errors.WsiDicomNoResolutionError as error:
        raise NoResolutionError("the DICOM slide does not say how large its pixels are") from error
    except Exception as error:  # wsidicom and pydicom raise nearly anything over damaged bytes
        raise UnreadableSlideError(f"the DICOM file cannot be read: {error}") from error


def _tiles(slide: WsiDicom) -> DicomTiles:
    try:
        first = slide.levels[0].datasets[0]
        if (first.samples_per_pixel, first.bits) != (3, 8):
            raise UnsupportedFormatError("the DICOM slide is not 8-bit RGB")
        return DicomTiles(slide)
    except SlideError:
        slide.close()
        raise
    except Exception as error:  # wsidicom and pydicom raise nearly anything over damaged bytes
        slide.close()
        raise UnreadableSlideError(f"the DICOM file cannot be read: {error}") from error


def _codec(level: DicomLevel) -> str:
    uid = str(level.default_instance.image_data.transfer_syntax)
    return _CODECS.get(uid, uid)
