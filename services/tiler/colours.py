"""How tissue is stained, in a few numbers, so that a slide of another stain can be told by its colours."""

import numpy as np

from services.tiler.ports import Mask, Rgb
from services.tiler.tissue import glass

_RED, _BLUE = 0, 2
_QUANTILES = (0.1, 0.5, 0.9)
_DIGITS = 5


def stain_colours(pixels: Rgb, tissue: Mask) -> tuple[float, ...]:
    """Of an overview [h, w, 3] seven numbers, none without tissue.

    They are the 10, 50 and 90 % quantiles over all tissue of the share of a pixel's optical density that lies in red
    light, the same in blue light, and the logarithm of the mean density. Density is measured against the glass.
    """
    relative = (pixels[tissue].astype(np.float64) + 1) / (glass(pixels) + 1)
    channels = np.maximum(-np.log(relative), 0)
    total = channels.sum(axis=1)
    if not total.any():
        return ()
    shares = channels[total > 0] / total[total > 0, None]
    quantiles = np.quantile(shares[:, [_RED, _BLUE]], _QUANTILES, axis=0).T.ravel()
    return tuple(round(float(value), _DIGITS) for value in (*quantiles, np.log(total.mean())))
