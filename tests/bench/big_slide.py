"""A pyramid of any number of bytes: CC0 pixels, repeated, whose stored tiles are all different files."""

from collections.abc import Iterator
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray

from tests.support import slides

_SIDE = 256
_PATCH = 2048
_COMMENT = b"\xff\xfe\x00\x0a%08d"
"""Segment of a JPEG file that decoders pass over."""
_UM = 0.499
_QUALITY = 95


def big_slide(path: Path, size_mb: int) -> Path:
    """Write a slide of about `size_mb` at 20x, with levels of 1/4 and 1/16, in JPEG tiles of 256 px."""
    patch = slides.cc0_pixels()[400 : 400 + _PATCH, 100 : 100 + _PATCH]
    mean = np.mean([len(tile) for row in _stored(patch) for tile in row])
    across = 16 * ceil(sqrt(size_mb * 1e6 / mean) / 16)
    with tifffile.TiffWriter(path, bigtiff=True) as out:
        for step in (1, 4, 16):
            small = cv2.resize(patch, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
            _write(out, np.asarray(small, np.uint8), across // step, step)
    return path


def _write(out: tifffile.TiffWriter, pixels: NDArray[np.uint8], across: int, step: int) -> None:
    repeats = max(1, _SIDE // len(pixels))
    stored = _stored(np.tile(pixels, (repeats, repeats, 1)))
    side = across * _SIDE
    facts: dict[str, Any] = {"resolution": (1e4 / _UM / step,) * 2, "resolutionunit": 3, "metadata": None}
    kind: dict[str, Any] = {"tile": (_SIDE, _SIDE), "compression": "jpeg", "photometric": "ycbcr"}
    out.write(
        _numbered(stored, across),
        shape=(side, side, 3),
        dtype=np.uint8,
        subfiletype=int(step > 1),
        **facts,
        **kind,
        subsampling=(2, 2),
    )


def _stored(pixels: NDArray[np.uint8]) -> list[list[bytes]]:
    cuts = range(0, len(pixels), _SIDE)
    return [[_encoded(pixels[y : y + _SIDE, x : x + _SIDE]) for x in cuts] for y in cuts]


def _encoded(tile: NDArray[np.uint8]) -> bytes:
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(tile), _QUALITY, "RGB", "420"))


def _numbered(stored: list[list[bytes]], across: int) -> Iterator[bytes]:
    """The tiles of a level, each with its number in a comment."""
    for number in range(across * across):
        row, column = divmod(number, across)
        tile = stored[row % len(stored)][column % len(stored)]
        yield tile[:2] + _COMMENT % number + tile[2:]
