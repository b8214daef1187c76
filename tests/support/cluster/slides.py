"""Tiny slides of real pixels: a second's work each, no two alike, and the same pixels again under another name."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tests.support import slides
from tests.support.tiffs import write_whole_mount

_SIDE, _MPP = 1344, 0.499
_MARGIN, _GLASS = 360, 243
"""Pixels of empty glass on each side of a crop, which make the slide more than 1 mm wide, as it must be; their grey."""
_DOWN, _ACROSS = range(800, 1500), range(300, 800)
"""Where the tissue of the bundled slide is: level-0 pixels of a crop's corner."""


def tiny(number: int, run: str) -> bytes:
    """Crop `number` of the bundled slide; `run` stands in its description and changes its digest, not its pixels."""
    down, across = _DOWN[number * 37 % len(_DOWN)], _ACROSS[number * 53 % len(_ACROSS)]
    crop = _pixels()[down : down + _SIDE, across : across + _SIDE]
    slide = np.pad(crop, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), constant_values=_GLASS)
    stored: dict[str, Any] = {"tile": (256, 256), "compression": "jpeg", "photometric": "rgb", "metadata": None}
    spaced: dict[str, Any] = {"resolution": (10_000 / _MPP, 10_000 / _MPP), "resolutionunit": "CENTIMETER"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.tiff"
        tifffile.imwrite(path, slide, **stored, **spaced, description=f"SIMULATED {run}", software=False)
        return path.read_bytes()


def slow(side: int) -> bytes:
    """A slide of so many pixels a side, nearly all of them empty, which takes minutes to read from 200,000 on."""
    with tempfile.TemporaryDirectory() as folder:
        return write_whole_mount(Path(folder) / "slow.tif", side, side, mpp=0.25, steps=(1,)).read_bytes()


@functools.cache
def _pixels() -> slides.Pixels:
    return slides.cc0_pixels()
