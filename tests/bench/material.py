"""Large and small slides made from the pixels of the bundled one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tests.support import slides

_SIDE = 240
_WHOLE_ACROSS, _WHOLE_DOWN = 9, 12
"""The bundled slide's stored tiles that are full of pixels."""
_STRIP = 2100
"""Pixels at 0.499 um: a slide below a millimetre is refused."""
_APERIO = "Aperio Image Library v11.2.1 \r\n{width}x{height} (240x240) JPEG|AppMag = {magnification}|MPP = {mpp}"


def pyramid(path: Path, copies: int) -> Path:
    """A plain pyramid of JPEG tiles of 256 px, at 0.499 um/px, each level half the one before."""
    return slides.enlarged(path, copies, copies)


def aperio(path: Path, copies: int, mpp: str = "0.4990") -> Path:
    """An SVS as an Aperio scanner writes it: its own stored tiles of 240 px, repeated, and levels of 1/4 and 1/16."""
    with tifffile.TiffFile(slides.CC0_SLIDE) as tiff:
        page = tiff.pages[0]
        pixels = np.tile(page.asarray()[: _WHOLE_DOWN * _SIDE, : _WHOLE_ACROSS * _SIDE], (copies, copies, 1))
        stored = _stored_rows(slides.CC0_SLIDE, page)
        tables = page.jpegtables
    height, width = pixels.shape[:2]
    description = _APERIO.format(width=width, height=height, magnification=20 if mpp == "0.4990" else 40, mpp=mpp)
    kind: dict[str, Any] = {"tile": (_SIDE, _SIDE), "compression": "jpeg", "photometric": "rgb", "metadata": None}
    tiles = (tile for _ in range(copies) for row in stored for _ in range(copies) for tile in row)
    with tifffile.TiffWriter(path) as out:
        full: dict[str, Any] = {
            "shape": pixels.shape,
            "dtype": np.uint8,
            "jpegtables": tables,
            "description": description,
        }
        out.write(tiles, **full, **kind)
        for shrink in (4, 16):
            out.write(pixels[::shrink, ::shrink], description=description, **kind)
    return path


def _stored_rows(path: Path, page: Any) -> list[list[bytes]]:
    """Compressed tiles of the rows and columns that are full of pixels."""
    columns = -(-page.imagewidth // _SIDE)
    data = path.read_bytes()
    places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    rows = [places[row * columns : row * columns + _WHOLE_ACROSS] for row in range(_WHOLE_DOWN)]
    return [[data[offset : offset + size] for offset, size in row] for row in rows]


def small_slides(folder: Path, count: int, side: int = 300) -> Iterator[Path]:
    """Slides of one tile, no two with the same pixels: tissue at the edge of a bare strip of a millimetre."""
    pixels = slides.cc0_pixels()
    for number in range(count):
        x, y = 764 + 16 * number, 1132 + 8 * number
        strip = np.full((side, _STRIP, 3), 255, np.uint8)
        strip[:, :side] = pixels[y : y + side, x : x + side]
        yield slides.write_tiff(folder / f"small-{number}.tiff", strip, (0.499, 0.499))
