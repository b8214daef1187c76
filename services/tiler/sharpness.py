"""Sharpness of tiles: variance of the Laplacian at 2 um/px, where nuclei still show and JPEG noise does not."""

import cv2
import numpy as np

from services.tiler.ports import Cut, Mask, Origins, Rgb, SlideReader
from shared.arrays import Floats
from shared.units import MicronsPerPx, TilePx

SHARPNESS_UM_PER_PX = MicronsPerPx(2.0)
_BATCH = 256


def sharpness(tiles: Rgb) -> Floats:
    """Variance of the Laplacian of the grey values (0 to 255), float64 [n], of tiles uint8 [n, px, px, 3]."""
    grey = (cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY) for tile in tiles)
    return np.array([cv2.Laplacian(image, cv2.CV_32F).var() for image in grey], np.float64)


def find_blurred(reader: SlideReader, origins: Origins, cut: Cut, least: float) -> Mask:
    """Which tiles are less sharp than `least`, bool [n]; those that fail to decode are not."""
    parts = [_blurred(reader, origins[i : i + _BATCH], cut, least) for i in range(0, len(origins), _BATCH)]
    return np.concatenate([np.zeros(0, np.bool_), *parts])


def at_two_microns(cut: Cut, tile_um: float) -> Cut:
    """The same piece of tissue at `SHARPNESS_UM_PER_PX`."""
    return Cut(cut.width_px, cut.height_px, TilePx(max(8, round(tile_um / SHARPNESS_UM_PER_PX))))


def _blurred(reader: SlideReader, origins: Origins, cut: Cut, least: float) -> Mask:
    tiles = reader.read_tiles(origins, cut)
    blurred: Mask = (sharpness(tiles.pixels) < least) & ~tiles.corrupt
    return blurred
