"""Draws where the model looked: attention over the slide's thumbnail, and the most attended tiles."""

import base64
from dataclasses import dataclass

import cv2
import numpy as np
from medulla.v1.scorer_pb2 import SlideEvidence
from numpy.typing import NDArray

_OPACITY = 0.55


@dataclass(frozen=True, slots=True)
class AttentionMap:
    """Attention of one slide's tiles.

    `attention` is float [n] and sums to at most one; `coords` is int [n, 2], level-0 x and y of each tile's corner.
    """

    attention: NDArray[np.float32]
    coords: NDArray[np.int32]


def data_uri(image: bytes, media_type: str) -> str:
    """Bytes of an image as a `data:` address, so that a page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(image).decode('ascii')}"


def overlay(thumbnail: bytes, slide: SlideEvidence, attention: AttentionMap) -> bytes:
    """Paint attention ranks over a JPEG or PNG thumbnail of the whole slide; returns PNG bytes."""
    image = cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"thumbnail of slide {slide.slide_id} is no image")
    heat, covered = _heat(image.shape[:2], slide, attention)
    colours = cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO)
    alpha = (covered * _OPACITY)[..., None]
    return encode_png((image * (1 - alpha) + colours * alpha).astype(np.uint8))


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """PNG bytes of a BGR image, uint8 [rows, columns, 3]."""
    ok, data = cv2.imencode(".png", image)
    if not ok:
        raise ValueError("image could not be written as PNG")
    return bytes(data)


def rgb_png(tile: NDArray[np.uint8]) -> bytes:
    """PNG bytes of an RGB tile, uint8 [px, px, 3]."""
    return encode_png(np.ascontiguousarray(tile[..., ::-1]))


def _heat(
    shape: tuple[int, int], slide: SlideEvidence, attention: AttentionMap
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Rank of each tile as 0-255 and where tiles are, both at thumbnail resolution."""
    heat = np.zeros(shape, np.uint8)
    covered = np.zeros(shape, np.float32)
    sx, sy = shape[1] / slide.width_px, shape[0] / slide.height_px
    for (x, y), rank in zip(attention.coords, ranks(attention.attention), strict=True):
        rows = slice(round(y * sy), max(round((y + slide.tile_height_px) * sy), round(y * sy) + 1))
        columns = slice(round(x * sx), max(round((x + slide.tile_width_px) * sx), round(x * sx) + 1))
        heat[rows, columns] = round(255 * rank)
        covered[rows, columns] = 1
    return heat, covered


def ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rank of each value between 0 (least) and 1 (most); attention itself is too skewed to be seen."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(order / max(len(values) - 1, 1), dtype=np.float64)
