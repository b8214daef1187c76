"""Tiny slides of real pixels: a second's work each, no two alike, and the same pixels again under another name."""

import tempfile
from pathlib import Path
from typing import Any

import tifffile

from tests.support import slides

_SIDE, _STEP = 768, 131
_MPP = 0.499


def tiny(number: int, run: str) -> bytes:
    """Crop `number` of the bundled slide; `run` stands in its description and changes its digest, not its pixels."""
    pixels = slides.cc0_pixels()
    down, across = (number * _STEP) % (pixels.shape[0] - _SIDE), (number * 3 * _STEP) % (pixels.shape[1] - _SIDE)
    crop = pixels[down : down + _SIDE, across : across + _SIDE]
    stored: dict[str, Any] = {"tile": (256, 256), "compression": "jpeg", "photometric": "rgb", "metadata": None}
    spaced = {"resolution": (10_000 / _MPP, 10_000 / _MPP), "resolutionunit": "CENTIMETER"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.tiff"
        tifffile.imwrite(path, crop, **stored, **spaced, description=f"SIMULATED {run}", software=False)
        return path.read_bytes()
