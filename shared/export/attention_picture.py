"""Paints attention over a slide's thumbnail, in the colours of the page."""

import io

import numpy as np
from medulla.v1.scorer_pb2 import SlideEvidence
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from shared.arrays import Floats
from shared.export.errors import BrokenMapError
from shared.export.slide_attention import SlideAttention

RAMP = np.array([[255, 247, 188], [254, 196, 79], [217, 95, 14], [140, 20, 60], [60, 0, 70]], np.float64)
"""RGB of the least to the most attended, the same as on the page."""
FAINTEST = 0.04
_OPACITY = 0.65
_BARE = -1.0
"""Share of a pixel that no tile covers."""


def overlay(thumbnail: bytes, slide: SlideEvidence, attention: SlideAttention) -> NDArray[np.uint8]:
    """A JPEG or PNG thumbnail of the whole slide with attention painted over it; RGB [rows, columns, 3].

    Raises:
        BrokenMapError: the thumbnail is no picture.
    """
    image = read_picture(thumbnail, slide.slide_id)
    shares = _painted(image.shape[:2], slide, attention)
    alpha = np.where(shares == _BARE, 0.0, _OPACITY * (FAINTEST + (1 - FAINTEST) * shares))[..., None]
    return np.asarray(image * (1 - alpha) + colours(shares) * alpha).astype(np.uint8)


def read_picture(data: bytes, slide_id: str) -> NDArray[np.uint8]:
    """A thumbnail, RGB [rows, columns, 3]; raises BrokenMapError if it is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"), np.uint8)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise BrokenMapError(f"thumbnail of slide {slide_id} is no picture") from error


def colours(shares: Floats) -> Floats:
    """RGB [..., 3], 0 to 255, of positions on the ramp, 0 to 1."""
    stops = np.linspace(0.0, 1.0, len(RAMP))
    return np.stack([np.interp(shares, stops, channel) for channel in RAMP.T], axis=-1)


def legend(attention: SlideAttention) -> str:
    """Legend of the colours, in numbers."""
    return f"highest {_percent(attention.highest)}, mean {_percent(attention.mean)} of the case"


def _painted(shape: tuple[int, ...], slide: SlideEvidence, attention: SlideAttention) -> Floats:
    """Position on the ramp of each pixel of the thumbnail, the highest of several tiles; _BARE without a tile."""
    painted = np.full(shape, _BARE)
    sx, sy = shape[1] / slide.width_px, shape[0] / slide.height_px
    for (x, y), share in zip(attention.coords, attention.shares(), strict=True):
        rows = slice(round(y * sy), max(round((y + slide.tile_height_px) * sy), round(y * sy) + 1))
        columns = slice(round(x * sx), max(round((x + slide.tile_width_px) * sx), round(x * sx) + 1))
        np.maximum(painted[rows, columns], share, out=painted[rows, columns])
    return painted


def _percent(share: float) -> str:
    """Two significant digits."""
    number = 100 * share
    return f"{number:.0f}%" if number >= 10 else f"{number:.2g}%"
