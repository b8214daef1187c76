"""DICOM whole-slide images, read by wsidicom; their JPEG frames are decoded strictly here."""

from collections.abc import Iterable, Sequence

import numpy as np
from pydicom import Dataset, dcmread
from wsidicom import WsiDicom, errors
from wsidicom.file.wsidicom_file_source import WsiDicomFileSource
from wsidicom.geometry import Point
from wsidicom.group.level import Level as DicomLevel
from wsidicom.metadata import ImageType

from services.tiler import colours
from services.tiler.byte_source import ByteSource
from services.tiler.dicom_preamble import open_dicom, open_for_wsidicom
from services.tiler.errors import NoResolutionError, SlideError, UnreadableSlideError, UnsupportedFormatError
from services.tiler.limits import MIN_STORED_FRAME_BYTES, check_levels, check_size, check_tiles
from services.tiler.native_tiles import NativeTiles
from services.tiler.pixel_reader import PixelReader
from services.tiler.ports import Level, Resolution, Rgb
from services.tiler.resolution import Override
from services.tiler.tile_codecs import CorruptTileError, TileLayout, check_jpeg2000, complete_jpeg, decode_jpeg
from shared.units import MicronsPerPx

_CLAIMS = (
    *("Rows", "Columns", "NumberOfFrames", "TotalPixelMatrixColumns", "TotalPixelMatrixRows"),
    *("SamplesPerPixel", "BitsAllocated", "ImageType"),
)
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

    def __init__(self, slide: WsiDicom, files: Sequence[ByteSource]) -> None:
        self._slide = slide
        self._files = files
        self._levels: Sequence[DicomLevel] = list(slide.levels)
        full = self._levels[0].size
        self.levels = tuple(Level(lv.size.width, lv.size.height, full.width / lv.size.width) for lv in self._levels)
        self.layouts = tuple(TileLayout(lv.tile_size.width, lv.tile_size.height) for lv in self._levels)
        self.codec = _codec(self._levels[0])
        self.codecs = (self.codec,) * len(self.levels)
        self._rgb = str(self._levels[0].datasets[0].photometric_interpretation) == "RGB"

    def decode(self, level: int, column: int, row: int) -> Rgb:
        """One frame, uint8 of the layout's size.

        Raises:
            CorruptTileError: the frame is damaged or beyond the file's end.
        """
        try:
            return self._decode(self._levels[level], self.layouts[level], Point(column, row))
        except MemoryError:
            raise
        except Exception as error:  # wsidicom, pydicom and Pillow raise many kinds of errors for damaged bytes
            raise CorruptTileError(f"frame {column}, {row} of level {level}: {error}") from error

    def stored_jpeg(self, level: int, column: int, row: int) -> bytes | None:
        """The JPEG file of one frame; None in another compression.

        Raises:
            CorruptTileError: the frame is missing or beyond the file's end.
        """
        if self.codec != "jpeg":
            return None
        try:
            stored = self._levels[level].get_encoded_tile(Point(column, row), crop_to_image_boundary=False)
        except MemoryError:
            raise
        except Exception as error:  # wsidicom and pydicom raise many kinds of errors for damaged bytes
            raise CorruptTileError(f"frame {column}, {row} of level {level}: {error}") from error
        return complete_jpeg(stored, rgb=self._rgb)

    def close(self) -> None:
        """Close the files."""
        self._slide.close()
        _close(self._files)

    def _decode(self, level: DicomLevel, side: TileLayout, at: Point) -> Rgb:
        stored = level.get_encoded_tile(at, crop_to_image_boundary=False)
        if self.codec == "jpeg":
            return decode_jpeg(complete_jpeg(stored, rgb=self._rgb), side)
        if self.codec in {"jpeg2000", "htj2k"}:
            check_jpeg2000(stored, side)
        return np.asarray(level.get_tile(at, crop_to_image_boundary=False), np.uint8)


class DicomReader(PixelReader):
    """A slide reader for DICOM whole-slide images; `files` are those of one slide, which it closes."""

    def __init__(self, files: Sequence[ByteSource], override: Override) -> None:
        try:
            for file in files:
                _check_header(file)
            slide = _open(files)
            tiles = _tiles(slide, files)
        except BaseException:
            _close(files)
            raise
        super().__init__("dicom", tiles.codec, NativeTiles(tiles), _stated(slide), override)


def _close(files: Iterable[ByteSource]) -> None:
    for file in files:
        file.close()


def _stated(slide: WsiDicom) -> list[Resolution]:
    spacing = slide.levels[0].pixel_spacing
    if spacing is None:
        return []
    mpp_x, mpp_y = MicronsPerPx(spacing.width * 1000), MicronsPerPx(spacing.height * 1000)
    return [Resolution(mpp_x, mpp_y, "dicom.PixelSpacing")]


def _check_header(file: ByteSource) -> None:
    """Check an instance's header against the limits and for 8-bit RGB before its frames are read."""
    header = _header(file)
    rows, columns = _count(header, "Rows"), _count(header, "Columns")
    samples, bits = _count(header, "SamplesPerPixel"), _count(header, "BitsAllocated")
    check_size(_count(header, "TotalPixelMatrixColumns"), _count(header, "TotalPixelMatrixRows"))
    frames = _count(header, "NumberOfFrames")
    check_tiles(columns, rows, samples * -(-bits // 8), frames)
    _check_room(frames, file.size)
    if samples and "VOLUME" in (header.get("ImageType") or ()):
        colours.check(samples, bits)


def _check_room(frames: int, size: int) -> None:
    """Refuse a number of frames that the file has no room for, before memory is taken for them."""
    if frames * MIN_STORED_FRAME_BYTES > size:
        sentence = f"the DICOM file claims {frames:,} frames, more than its {size:,} bytes can hold"
        raise UnreadableSlideError(sentence)


def _header(source: ByteSource) -> Dataset:
    try:
        claims = dcmread(open_dicom(source), stop_before_pixels=True, specific_tags=list(_CLAIMS))
        list(claims)  # pydicom converts a value at its first use
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises many kinds of errors for damaged bytes
        raise UnreadableSlideError(f"the DICOM file cannot be read: {error}") from error
    return claims


def _count(header: Dataset, name: str) -> int:
    try:
        return int(header.get(name) or 0)
    except (TypeError, ValueError) as error:
        raise UnreadableSlideError(f"the DICOM file cannot be read: its {name} is no number") from error


def _open(files: Sequence[ByteSource]) -> WsiDicom:
    try:
        return _opened(WsiDicomFileSource(map(open_for_wsidicom, files)))
    except (errors.WsiDicomNotFoundError, errors.WsiDicomNotSupportedError) as error:
        raise UnsupportedFormatError("the DICOM file holds no whole-slide image that can be read") from error
    except errors.WsiDicomNoResolutionError as error:
        raise NoResolutionError("the DICOM slide does not say how large its pixels are") from error
    except MemoryError:
        raise
    except Exception as error:  # wsidicom and pydicom raise many kinds of errors for damaged bytes
        raise UnreadableSlideError(f"the DICOM file cannot be read: {error}") from error


def _opened(source: WsiDicomFileSource) -> WsiDicom:
    """Open the slide of some files; fails if one holds other than the claimed frames.

    wsidicom would find that only at the first tile, and again at every further one.
    """
    try:
        for reader in source.readers:
            if reader.image_type == ImageType.VOLUME:
                len(reader.frame_index)
        return WsiDicom(source, True)
    except BaseException:
        source.close()
        raise


def _tiles(slide: WsiDicom, files: Sequence[ByteSource]) -> DicomTiles:
    try:
        tiles = DicomTiles(slide, files)
        check_levels(tiles.levels)
        return tiles
    except SlideError:
        slide.close()
        raise
    except MemoryError:
        raise
    except Exception as error:  # wsidicom and pydicom raise many kinds of errors for damaged bytes
        slide.close()
        raise UnreadableSlideError(f"the DICOM file cannot be read: {error}") from error


def _codec(level: DicomLevel) -> str:
    uid = str(level.default_instance.image_data.transfer_syntax)
    return _CODECS.get(uid, uid)
