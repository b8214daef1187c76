"""Encodes pictures for the report page."""

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

_QUALITY = 85


def data_uri(image: bytes, media_type: str) -> str:
    """Bytes of an image as a `data:` address, so that a page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(image).decode('ascii')}"


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
