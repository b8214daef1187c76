"""Decoders of stored tiles that refuse damaged tiles and tiles of an unexpected size."""

import zlib
from dataclasses import dataclass

import imagecodecs
import numpy as np
import simplejpeg

from services.tiler.ports import Rgb

_START = b"\xff\xd8"
_END_OF_CODESTREAM = b"\xff\xd9"
_SIZ = b"\xff\x4f\xff\x51"
_ADOBE_RGB = bytes.fromhex("ffee000e41646f626500640000000000")
"""JPEG segment that marks the colours as RGB."""
_DIFFERENCES = 2
_COLOURS = {"RGB", "YCbCr"}


class CorruptTileError(Exception):
    """A stored tile fails to decode."""


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Size of one level's stored tiles."""

    width_px: int
    height_px: int

    @property
    def bytes(self) -> int:
        """Of one decoded tile."""
        return self.width_px * self.height_px * 3


def complete_jpeg(data: bytes, tables: bytes = b"", rgb: bool = False) -> bytes:
    """A stored tile as a JPEG file: with the tables that a TIFF keeps apart, marked if it holds RGB."""
    head = tables[:-2] if tables else _START
    return b"".join((head, _ADOBE_RGB if rgb else b"", memoryview(data)[len(_START) :]))


def is_jpeg_of(data: bytes, side: TileLayout) -> bool:
    """Whether the bytes are a whole JPEG file of three colours and the size of `side`, by its header and its end."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return False
    whole = data.rstrip(b"\0").endswith(_END_OF_CODESTREAM)
    return whole and space in _COLOURS and (width, height) == (side.width_px, side.height_px)


def decode_jpeg(data: bytes, side: TileLayout, shrink: int = 1) -> Rgb:
    """Decode a JPEG file, refusing damage that libjpeg would silently repair, to 1/`shrink` of its size (1, 2, 4, 8).

    Raises:
        CorruptTileError: the bytes are damaged, or the picture is larger than `side`, or, shrunk, of another size.
    """
    width, height = side.width_px // shrink, side.height_px // shrink
    out = np.empty((height, width, 3), np.uint8)
    least = {"min_width": width, "min_height": height} if shrink > 1 else {}
    try:
        if shrink > 1:
            _check_size(data, side)
        tile = simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False, buffer=out, strict=True, **least)
    except ValueError as error:
        raise CorruptTileError(str(error)) from error
    return np.asarray(tile, np.uint8)


def _check_size(data: bytes, side: TileLayout) -> None:
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    if (width, height) != (side.width_px, side.height_px):
        raise CorruptTileError(f"a tile is {width:,} x {height:,} px, not {side.width_px:,} x {side.height_px:,} px")


def decode_jpeg2000(data: bytes, side: TileLayout) -> Rgb:
    """Decode a JPEG 2000 codestream of RGB. Damage is not detectable in it, except for a missing end.

    Raises:
        CorruptTileError: the bytes are damaged, or the picture is not of the size of `side`.
    """
    check_jpeg2000(data, side)
    try:
        tile = imagecodecs.jpeg2k_decode(data, numthreads=1)
    except (imagecodecs.Jpeg2kError, ValueError) as error:
        raise CorruptTileError(str(error)) from error
    return np.asarray(tile, np.uint8)


def check_jpeg2000(data: bytes, side: TileLayout) -> None:
    """Raise CorruptTileError unless a codestream, padded or not, has the size of `side` and the marker of its end."""
    if not data.rstrip(b"\0").endswith(_END_OF_CODESTREAM):
        raise CorruptTileError("the JPEG 2000 codestream has lost its end")
    at = data.find(_SIZ)
    stated = np.frombuffer(data[at + 8 : at + 24] if at >= 0 else b"", ">u4").tolist()
    if len(stated) < 4 or (stated[0] - stated[2], stated[1] - stated[3]) != (side.width_px, side.height_px):
        raise CorruptTileError("the JPEG 2000 codestream is of another size than the slide's tiles")


def decode_packed(data: bytes, side: TileLayout, codec: str, predictor: int) -> Rgb:
    """Decode uncompressed pixels, or those packed by LZW or Deflate.

    Raises:
        CorruptTileError: the bytes are damaged, or there are too few.
    """
    out = np.frombuffer(_unpacked(data, side.bytes, codec), np.uint8)
    if out.size != side.bytes:
        raise CorruptTileError(f"a tile has {out.size:,} bytes, not {side.bytes:,}")
    tile: Rgb = out.reshape(side.height_px, side.width_px, 3)
    return np.cumsum(tile, axis=1, dtype=np.uint8) if predictor == _DIFFERENCES else tile


def _unpacked(data: bytes, size: int, codec: str) -> bytes:
    if codec == "none":
        return data
    try:
        if codec == "deflate":
            return zlib.decompressobj().decompress(data, size)
        return bytes(imagecodecs.lzw_decode(data, out=bytearray(size)))
    except (imagecodecs.LzwError, zlib.error, ValueError) as error:
        raise CorruptTileError(str(error)) from error
