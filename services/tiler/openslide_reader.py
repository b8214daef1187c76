"""Reads all formats of OpenSlide; JPEG tiles are decoded directly if that gives the same pixels."""

import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import numpy as np
import openslide
from PIL import Image

from services.tiler import pyramid
from services.tiler.byte_source import LocalBytes
from services.tiler.errors import NotASlideError, SlideError, UnreadableSlideError, UnsupportedFormatError
from services.tiler.limits import check_levels
from services.tiler.native_tiles import NativeTiles
from services.tiler.ome import physical_size
from services.tiler.pixel_reader import PixelReader
from services.tiler.ports import Cut, Level, Mask, Resolution, Rgb
from services.tiler.pyramid import Box, Boxes, PixelSource
from services.tiler.resolution import Override, of_tiff_tags
from services.tiler.tiff_page import TiffPage, largest
from services.tiler.tiff_tiles import TiffTiles, pyramid_of
from shared.units import Level0Px, MicronsPerPx, TilePx

_CACHE_BYTES = 96 * 2**20
GENERIC = "generic-tiff"
PLAIN_TIFF = {"aperio", GENERIC}
"""Vendors whose levels are one TIFF page each, without overlap."""
_BOUNDS = (
    openslide.PROPERTY_NAME_BOUNDS_X,
    openslide.PROPERTY_NAME_BOUNDS_Y,
    openslide.PROPERTY_NAME_BOUNDS_WIDTH,
    openslide.PROPERTY_NAME_BOUNDS_HEIGHT,
)
_OPAQUE = 255
_NOT_SUPPORTED = re.compile(r"\b(unsupported|not supported)\b", re.IGNORECASE)
"""OpenSlide's wording for an unsupported file; its errors have no codes."""
_ROUNDING = 2
"""Grey levels by which two JPEG decoders may differ."""


class OpenSlidePixels:
    """A pixel source through OpenSlide, which refuses every call on a handle that has failed once."""

    reader = "openslide"
    stored_px = 0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._handle = _open(path)
        self.properties: Mapping[str, str] = dict(self._handle.properties)
        """The file's properties."""
        sizes, shrinks = self._handle.level_dimensions, self._handle.level_downsamples
        self.levels = tuple(Level(w, h, d) for (w, h), d in zip(sizes, shrinks, strict=True))
        self.reduced_levels = self.levels

    def read(self, level: int, boxes: Boxes, out: Rgb) -> Mask:
        """Write the pixels of boxes, white where the format has no tile; returns which fail to decode, bool [n]."""
        corrupt = np.zeros(len(boxes), np.bool_)
        for index, box in enumerate(boxes.tolist()):
            region = self._region(level, box)
            corrupt[index] = region is None
            if region is not None:
                out[index] = region
        return corrupt

    def stored_jpeg(self, level: int, box: Box) -> bytes | None:  # noqa: ARG002 - as the protocol has it
        """None: OpenSlide gives no stored tiles."""
        return None

    def damaged(self, level: int, boxes: Boxes) -> Mask:
        """Which boxes fail to decode, bool [n]."""
        return np.array([pyramid.read_region(self, level, box) is None for box in boxes.tolist()], np.bool_)

    def _region(self, level: int, box: Box) -> Rgb | None:
        scale, size = self.levels[level].downsample, (box[2], box[3])
        corner = round(box[0] * scale), round(box[1] * scale)
        try:
            return _on_white(self._handle.read_region(corner, level, size))
        except openslide.OpenSlideError:
            return self._again(corner, level, size)

    def _again(self, corner: tuple[int, int], level: int, size: tuple[int, int]) -> Rgb | None:
        """Read on a new handle: the error may be another thread's."""
        handle = _open(self._path)
        try:
            region = _on_white(handle.read_region(corner, level, size))
        except openslide.OpenSlideError:
            handle, region = _open(self._path), None
        with self._lock:
            self._handle = handle
        return region

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


def read_by_openslide(path: Path, pages: tuple[TiffPage, ...], override: Override) -> PixelReader:
    """A reader of a slide in any format of OpenSlide; `pages` are those of a TIFF, none of other formats.

    Raises:
        NotASlideError, UnreadableSlideError, UnsupportedFormatError: it cannot be read.
        SlideBeyondBoundsError: it claims more than one of `limits`.
    """
    slide = OpenSlidePixels(path)
    vendor = slide.properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown")
    try:
        source = _source(path, pages, slide)
        stated = stated_resolutions(slide.properties, pages)
        corner = scanned_from(slide.properties)
        return PixelReader(vendor, _codec(pages, slide.properties), source, stated, override, corner)
    except SlideError:
        slide.close()
        raise


def read_plain_tiff(path: Path, pages: tuple[TiffPage, ...], override: Override) -> PixelReader | None:
    """A reader of a TIFF that OpenSlide does not recognise; None if we cannot decode its tiles either."""
    levels = pyramid_of(pages)
    tiles = TiffTiles.of(LocalBytes(path), pages, levels)
    if tiles is None:
        return None
    return PixelReader(GENERIC, largest(pages).codec, NativeTiles(tiles), _stated_by_tiff(pages), override)


def stated_resolutions(properties: Mapping[str, str], pages: tuple[TiffPage, ...]) -> list[Resolution]:
    """The resolutions that a slide states: vendor's properties, OME-XML, TIFF tags; the most trusted first.

    OpenSlide's numbers of a TIFF without vendor are its tags; some vendors write other things into the tags.
    """
    vendor = properties.get(openslide.PROPERTY_NAME_VENDOR)
    mpp_x = _number(properties, openslide.PROPERTY_NAME_MPP_X)
    mpp_y = _number(properties, openslide.PROPERTY_NAME_MPP_Y)
    if mpp_x is None or mpp_y is None or vendor == GENERIC:
        return _stated_by_tiff(pages)
    stated = Resolution(mpp_x, mpp_y, openslide.PROPERTY_NAME_MPP_X)
    return [stated, *(_stated_by_tiff(pages) if vendor in PLAIN_TIFF else [])]


def _stated_by_tiff(pages: tuple[TiffPage, ...]) -> list[Resolution]:
    if not pages:
        return []
    full = largest(pages)
    ome = physical_size(pages[0].description, Level(full.width_px, full.height_px, 1.0))
    tags = of_tiff_tags(*full.dots_per_unit, full.unit)
    return [stated for stated in (ome, tags) if stated]


def scanned_from(properties: Mapping[str, str]) -> tuple[int, int]:
    """The corner of the area that the format states as scanned; (0, 0) unless it states the area whole."""
    try:
        x, y, _, _ = (int(properties[name]) for name in _BOUNDS)
    except (KeyError, ValueError):
        return 0, 0
    return x, y


def _number(properties: Mapping[str, str], name: str) -> MicronsPerPx | None:
    try:
        return MicronsPerPx(float(properties[name]))
    except (KeyError, ValueError):
        return None


def _open(path: Path) -> openslide.OpenSlide:
    try:
        handle = openslide.OpenSlide(path)
    except openslide.OpenSlideUnsupportedFormatError as error:
        raise NotASlideError("OpenSlide does not recognise the file as a slide") from error
    except openslide.OpenSlideError as error:
        kind = UnsupportedFormatError if _NOT_SUPPORTED.search(str(error)) else UnreadableSlideError
        raise kind(f"OpenSlide cannot open the slide: {error}") from error
    handle.set_cache(openslide.OpenSlideCache(_CACHE_BYTES))
    return handle


def _on_white(region: Image.Image) -> Rgb:
    """Pixels of a region, white where it is transparent, which marks unscanned areas."""
    if region.getchannel("A").getextrema()[0] != _OPAQUE:
        white = Image.new("RGBA", region.size, "white")
        white.alpha_composite(region)
        region = white
    return np.asarray(region.convert("RGB"), np.uint8)


def _codec(pages: tuple[TiffPage, ...], properties: Mapping[str, str]) -> str:
    mirax = properties.get("mirax.LAYER_0_LEVEL_0_SECTION.IMAGE_FORMAT", "unknown")
    return largest(pages).codec if pages else mirax.lower()


def _source(path: Path, pages: tuple[TiffPage, ...], slide: OpenSlidePixels) -> PixelSource:
    """Our own reader if it gives OpenSlide's pixels or OpenSlide misses the largest page; else OpenSlide."""
    check_levels(slide.levels)
    vendor = slide.properties.get(openslide.PROPERTY_NAME_VENDOR)
    levels = pyramid_of(pages) if vendor == GENERIC else slide.levels
    tiles = TiffTiles.of(LocalBytes(path), pages, levels) if vendor in PLAIN_TIFF else None
    sees_all = _size(levels) == _size(slide.levels)
    direct = _direct(tiles, slide, sees_all) if tiles else None
    if direct:
        slide.close()
        return direct
    if not sees_all:
        codec = largest(pages).codec
        raise UnsupportedFormatError(
            f"the TIFF's largest page is not its first, and no reader decodes its {codec} tiles"
        )
    return slide


def _size(levels: tuple[Level, ...]) -> tuple[int, int]:
    return levels[0].width_px, levels[0].height_px


def _direct(tiles: TiffTiles, slide: OpenSlidePixels, sees_all: bool) -> NativeTiles | None:
    """The file's own tiles, if those in the middle have the same pixels as OpenSlide's, where it reads them."""
    direct = NativeTiles(tiles)
    if not sees_all or _agree(direct, slide):
        return direct
    direct.close()
    return None


def _agree(direct: NativeTiles, slide: OpenSlidePixels) -> bool:
    full = slide.levels[0]
    corners = np.outer([0.5, 0.25, 0.75], [full.width_px, full.height_px]).astype(np.int32)
    probe = Cut(Level0Px(64), Level0Px(64), TilePx(64))
    boxes = pyramid.tile_boxes(slide.levels, 0, corners, probe)
    references = 0
    for box in boxes.tolist():
        reference = pyramid.read_region(slide, 0, box)
        if reference is not None:
            if _same(pyramid.read_region(direct, 0, box), reference):
                return True
            references += 1
    return references == 0


def _same(pixels: Rgb | None, reference: Rgb) -> bool:
    return pixels is not None and bool(np.abs(pixels.astype(np.int16) - reference).max() <= _ROUNDING)
