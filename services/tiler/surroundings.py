"""Finds black fill of unscanned areas, which is background; unlike ink, it is flat."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.tiler.labels import look_up
from services.tiler.ports import Mask, Rgb

_BLACK = 12
_FLAT = 2
"""Grey levels between neighbours: ink may be as dark, but is never as flat."""
_LEAST_UM2 = 250_000.0
"""Of a black area that does not reach the slide's edge."""
_SEAM_PX = 3
"""Pixels around a filled area in which its black blends with its neighbours."""


def find_surroundings(pixels: Rgb, um_per_px: float) -> Mask:
    """Pixels filled with black, bool [height, width]: flat areas that reach the edge or are large."""
    level = cv2.max(cv2.max(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    box = np.ones((3, 3), np.uint8)
    even = cv2.subtract(cv2.dilate(level, box), cv2.erode(level, box)) <= _FLAT
    black = (even & (level <= _BLACK)).view(np.uint8)
    if not black.any():
        return np.zeros(level.shape, np.bool_)
    filled = _filled(black, _LEAST_UM2 / um_per_px**2)
    seam = np.ones((2 * _SEAM_PX + 1,) * 2, np.uint8)
    return cv2.dilate(filled.view(np.uint8), seam).astype(np.bool_)


def _filled(black: NDArray[np.uint8], least_px: float) -> Mask:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(black, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_px
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        keep[edge] = True
    keep[0] = False
    return look_up(keep, np.asarray(labels, np.int32))
