"""Measures the colours of a stain in a few numbers, to detect slides of other stains."""

from math import ceil, sqrt

import numpy as np

from services.tiler.ports import Mask, Rgb
from shared.arrays import Floats

_RED, _BLUE = 0, 2
_QUANTILES = (0.1, 0.5, 0.9)
_DIGITS = 5
_MOST_PX = 2**20
"""Pixels to measure; evenly spaced ones of a larger overview."""


def stain_colours(pixels: Rgb, tissue: Mask) -> tuple[float, ...]:
    """Seven numbers of an overview [h, w, 3]; none without tissue.

    They are the 10, 50 and 90 % quantiles over all tissue of the share of a pixel's optical density that lies in red
    light, the same in blue light, and the logarithm of the mean density. Density is measured against the glass.
    """
    step = max(1, ceil(sqrt(tissue.size / _MOST_PX)))
    pixels, tissue = pixels[::step, ::step], tissue[::step, ::step]
    relative = (pixels[tissue].astype(np.float64) + 1) / (_glass(pixels) + 1)
    channels = np.maximum(-np.log(relative), 0)
    total = channels.sum(axis=1)
    if not total.any():
        return ()
    shares = channels[total > 0] / total[total > 0, None]
    quantiles = np.quantile(shares[:, [_RED, _BLUE]], _QUANTILES, axis=0).T.ravel()
    return tuple(round(float(value), _DIGITS) for value in (*quantiles, np.log(total.mean())))


def _glass(pixels: Rgb) -> Floats:
    """Colour of empty glass [3]: the brightest pixels, never darker than a light grey."""
    return np.maximum(np.percentile(pixels.reshape(-1, 3), 95, axis=0), 200)
