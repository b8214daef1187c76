"""Everything OpenSlide reads, with its JPEG tiles taken straight from the file where that gives the same pixels."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
import openslide
import tifffile
from PIL import Image

from services.tiler import pyramid
from services.tiler.errors import NotASlideError, UnreadableSlideError, UnsupportedFormatError
from services.tiler.native_tiles import NativeTiles
from services.tiler.ports import Cut, Level, Origins, Overview, Resolution, Rgb, SlideFacts, Tiles
from services.tiler.pyramid import Boxes, PixelSource
from services.tiler.resolution import Override, resolve
from services.tiler.tiff_tiles import BrokenDirectoryError, TiffTiles, directory
from shared.units import Level0Px, MicronsPerPx, TilePx

_CACHE_BYTES = 96 * 2**20
_PLAIN_TIFF = {"aperio", "generic-tiff"}
"""Vendors whose levels are one TIFF page each, without overlap."""
_MICRONS_PER_UNIT = {"inch": 25_400.0, "centimeter": 10_000.0}
_OPAQUE = 255
_NOT_SUPPORTED = re.compile(r"\b(unsupported|not supported)\b", re.IGNORECASE)
"""How OpenSlide words that a whole file is of a kind it does not read; its error has no code that would tell."""
_ROUNDING = 2
"""Grey levels by which two JPEG decoders may differ."""
_RESOLUTION_FROM_TIFF = {"generic-tiff"}
"""Vendors for which OpenSlide's mpp is the TIFF resolution."""


class OpenSlidePixels:
    """A pixel source through OpenSlide, which refuses every call on a handle that has failed once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._handle = _open(path)
        sizes, shrinks = self._handle.level_dimensions, self._handle.level_downsamples
        self.levels = tuple(Level(w, h, d) for (w, h), d in zip(sizes, shrinks, strict=True))

    @property
    def properties(self) -> Mapping[str, str]:
        """What the file says of itself."""
        return self._handle.properties

    def regions(self, level: int, boxes: Boxes) -> Iterator[Rgb | None]:
        """Pixels of each box, uint8 [height, width, 3], white where the format says that there is no tile."""
        scale = self.levels[level].downsample
        for x, y, width, height in boxes.tolist():
            yield self._region((round(x * scale), round(y * scale)), level, (width, height))

    def _region(self, corner: tuple[int, int], level: int, size: tuple[int, int]) -> Rgb | None:
        try:
            return _on_white(self._handle.read_region(corner, level, size))
        except openslide.OpenSlideError:
            return self._again(corner, level, size)

    def _again(self, corner: tuple[int, int], level: int, size: tuple[int, int]) -> Rgb | None:
        """Read on a new handle: the error may be another thread's."""
        fresh = _open(self._path)
        try:
            region = _on_white(fresh.read_region(corner, level, size))
        except openslide.OpenSlideError:
            fresh, region = _open(self._path), None
        with self._lock:
            self._handle = fresh
        return region

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


class OpenSlideReader:
    """A slide reader for every format of OpenSlide."""

    def __init__(self, path: Path, override: Override) -> None:
        self._path = path
        self._override = override
        self._openslide = OpenSlidePixels(path)
        self._source: PixelSource = _direct(path, self._openslide) or self._openslide

    def describe(self) -> SlideFacts:
        """Say what the slide is; raises NoResolutionError or ImplausibleResolutionError."""
        said = self._openslide.properties
        name = said.get(openslide.PROPERTY_NAME_VENDOR, "unknown")
        return SlideFacts(name, _codec(self._path, said), self._openslide.levels, self._resolution())

    def read_tiles(self, origins: Origins, cut: Cut) -> Tiles:
        """Read tiles, area-resampled from the best level; damaged ones are marked."""
        return pyramid.read_tiles(self._source, origins, cut)

    def read_overview(self, um_per_px: MicronsPerPx) -> Overview:
        """Read the whole slide at `um_per_px`."""
        return pyramid.read_overview(self._source, self._resolution(), um_per_px)

    def close(self) -> None:
        """Close the file."""
        if self._source is not self._openslide:
            self._source.close()
        self._openslide.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _resolution(self) -> Resolution:
        return resolve(stated_resolution(self._openslide.properties), self._override)


def stated_resolution(said: Mapping[str, str]) -> Resolution | None:
    """What the vendor's properties state, else the TIFF's resolution tags."""
    mpp_x, mpp_y = _number(said, openslide.PROPERTY_NAME_MPP_X), _number(said, openslide.PROPERTY_NAME_MPP_Y)
    if mpp_x is not None and mpp_y is not None:
        tiff = said.get(openslide.PROPERTY_NAME_VENDOR) in _RESOLUTION_FROM_TIFF
        return Resolution(mpp_x, mpp_y, "tiff.XResolution" if tiff else openslide.PROPERTY_NAME_MPP_X)
    unit = _MICRONS_PER_UNIT.get(said.get("tiff.ResolutionUnit", ""))
    dots_x, dots_y = _number(said, "tiff.XResolution"), _number(said, "tiff.YResolution")
    if unit and dots_x and dots_y:
        return Resolution(MicronsPerPx(unit / dots_x), MicronsPerPx(unit / dots_y), "tiff.XResolution")
    return None


def _number(said: Mapping[str, str], name: str) -> MicronsPerPx | None:
    try:
        return MicronsPerPx(float(said[name]))
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
    """Pixels of a region, white where it is transparent: there the format says that nothing was scanned."""
    if region.getchannel("A").getextrema()[0] != _OPAQUE:
        white = Image.new("RGBA", region.size, "white")
        white.alpha_composite(region)
        region = white
    return np.asarray(region.convert("RGB"), np.uint8)


def _codec(path: Path, said: Mapping[str, str]) -> str:
    mirax = said.get("mirax.LAYER_0_LEVEL_0_SECTION.IMAGE_FORMAT")
    if mirax:
        return mirax.lower()
    try:
        with directory(path) as tiff:
            return tifffile.COMPRESSION(tiff.pages.first.compression).name.lower()
    except BrokenDirectoryError:
        return "unknown"


def _direct(path: Path, slide: OpenSlidePixels) -> NativeTiles | None:
    """Read the file's JPEG tiles directly, if a tile in the middle then has the same pixels as OpenSlide's."""
    if slide.properties.get(openslide.PROPERTY_NAME_VENDOR) not in _PLAIN_TIFF:
        return None
    try:
        tiles = TiffTiles.of(path, slide.levels)
    except BrokenDirectoryError:
        return None
    if tiles is None:
        return None
    direct = NativeTiles(tiles)
    if _agree(direct, slide):
        return direct
    direct.close()
    return None


def _agree(direct: NativeTiles, slide: OpenSlidePixels) -> bool:
    full = slide.levels[0]
    corners = np.outer([0.5, 0.25, 0.75], [full.width_px, full.height_px]).astype(np.int32)
    probe = Cut(Level0Px(64), Level0Px(64), TilePx(64))
    boxes = pyramid.tile_boxes(slide.levels, 0, corners, probe)
    pairs = list(zip(direct.regions(0, boxes), slide.regions(0, boxes), strict=True))
    return all(theirs is None for _, theirs in pairs) or any(_same(ours, theirs) for ours, theirs in pairs)


def _same(ours: Rgb | None, theirs: Rgb | None) -> bool:
    if ours is None or theirs is None:
        return False
    return bool(np.abs(ours.astype(np.int16) - theirs).max() <= _ROUNDING)
