"""Draws the model's attention over the slide's thumbnail, and the most attended tiles."""

import base64

import cv2
import numpy as np
from medulla.v1.scorer_pb2 import SlideEvidence
from numpy.typing import NDArray

from shared.arrays import Floats
from shared.export.slide_attention import SlideAttention

RAMP = np.array([[255, 247, 188], [254, 196, 79], [217, 95, 14], [140, 20, 60], [60, 0, 70]], np.float64)
"""RGB of the least to the most attended, the same as on the page."""
FAINTEST = 0.04
_OPACITY = 0.65
_QUALITY = 85
_BARE = -1.0
"""Share of a pixel that no tile covers."""


def data_uri(image: bytes, media_type: str) -> str:
    """Bytes of an image as a `data:` address, so that a page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(image).decode('ascii')}"


def overlay(thumbnail: bytes, slide: SlideEvidence, attention: SlideAttention) -> bytes:
    """Paint attention over a JPEG or PNG thumbnail of the whole slide; returns PNG bytes."""
    image = cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"thumbnail of slide {slide.slide_id} is no image")
    shares = _painted(image.shape[:2], slide, attention)
    alpha = np.where(shares == _BARE, 0.0, _OPACITY * (FAINTEST + (1 - FAINTEST) * shares))[..., None]
    bgr = colours(shares)[..., ::-1]
    return encode_png((image * (1 - alpha) + bgr * alpha).astype(np.uint8))


def colours(shares: Floats) -> Floats:
    """RGB [..., 3], 0 to 255, of positions on the ramp, 0 to 1."""
    stops = np.linspace(0.0, 1.0, len(RAMP))
    return np.stack([np.interp(shares, stops, channel) for channel in RAMP.T], axis=-1)


def legend(attention: SlideAttention) -> str:
    """Legend of the colours, in numbers."""
    return f"highest {_percent(attention.highest)}, mean {_percent(attention.mean)} of the case"


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """PNG bytes of a BGR image, uint8 [rows, columns, 3]."""
    ok, data = cv2.imencode(".png", image)
    if not ok:
        raise ValueError("image could not be written as PNG")
    return bytes(data)


def rgb_png(tile: NDArray[np.uint8]) -> bytes:
    """PNG bytes of an RGB tile, uint8 [px, px, 3]."""
    return encode_png(np.ascontiguousarray(tile[..., ::-1]))


def rgb_jpeg(tile: NDArray[np.uint8]) -> bytes:
    """JPEG bytes of an RGB tile, uint8 [px, px, 3]; a tenth of its PNG."""
    ok, data = cv2.imencode(".jpg", np.ascontiguousarray(tile[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not ok:
        raise ValueError("image could not be written as JPEG")
    return bytes(data)


def _painted(shape: tuple[int, int], slide: SlideEvidence, attention: SlideAttention) -> Floats:
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
    return f"{number:.0f} %" if number >= 10 else f"{number:.2g} %"
