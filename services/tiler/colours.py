"""Checks that a slide is brightfield of 8-bit RGB: by metadata before pixels are decoded, then by its thumbnail."""

import numpy as np
from numpy.typing import NDArray

from services.tiler.errors import NotBrightfieldError, UnsupportedFormatError
from services.tiler.ports import Rgb
from services.tiler.tiff_page import TiffPage

_PALETTE = 3
_NOT_RGB = {
    _PALETTE: "its colours are those of a palette",
    4: "it is a mask",
    5: "its colours are CMYK",
    8: "its colours are CIELAB",
    9: "its colours are ICCLAB",
    32803: "it is raw sensor data",
}
_NUMBERS = {2: "signed integers", 3: "floating-point numbers", 5: "complex integers", 6: "complex numbers"}
_GREY = {1, 2}
"""One channel, or one with transparency."""
_COLOUR = {3, 4}
"""Three channels, or three with transparency."""
_NO_RGB = "the slide is no brightfield slide of 8-bit RGB"
_ROUNDING = 2
_CONTRAST = 50
_BLACK = 48
"""Brightest channel up to which a pixel is black."""
_LIGHT = 150
"""Darkest channel from which a pixel is glass or pale tissue."""
_GREY_SHARE = 0.8
"""Darkest channel as a share of the brightest from which a pixel is glass, however dark the scan."""
_MIN_BLACK_SHARE = 0.25
_MAX_PALE_SHARE = 0.1
_MAX_DARKEST_CHANNEL = 48
"""Of 250 H&E tiles without glass, none has a lower median than 56; signals on black hardly light the other channels."""
_MAX_DARKEST_SHARE = 0.5


def check_tiff(page: TiffPage) -> None:
    """Raise UnsupportedFormatError unless the full resolution holds 8-bit RGB, or YCbCr that becomes it."""
    if page.photometric in _NOT_RGB:
        raise _refusal(_NOT_RGB[page.photometric])
    check(page.samples, page.bits[0], _NUMBERS.get(page.sample_format))


def check(samples: int, bits: int, numbers: str | None = None) -> None:
    """Raise UnsupportedFormatError unless pixels have three channels of 8 bits, transparency aside."""
    if numbers:
        raise _refusal(f"its pixels are {numbers} of {bits} bits")
    if samples in _GREY:
        raise _refusal(f"it is grey: one channel of {bits} bits, as fluorescence is stored")
    if samples not in _COLOUR:
        raise _refusal(f"it has {samples} channels, as fluorescence is stored")
    if bits != 8:
        raise _refusal(f"its channels have {bits} bits, not 8")


def check_pixels(thumbnail: Rgb) -> None:
    """Raise UnsupportedFormatError for pictures stored as RGB that are grey or fluorescence."""
    least, most = thumbnail.min(axis=2), thumbnail.max(axis=2)
    if (most - least).max() <= _ROUNDING and np.ptp(most) > _CONTRAST:
        raise _refusal("all its pixels are grey")
    if _is_fluorescence(least, most):
        raise NotBrightfieldError(f"{_NO_RGB}: it is fluorescence: coloured signals on black")


def _is_fluorescence(least: NDArray[np.uint8], most: NDArray[np.uint8]) -> bool:
    """Tell from the darkest and brightest channels; brightfield on black fill is pale or grey where it is not black."""
    lit = most > _BLACK
    if not lit.any() or lit.mean() > 1 - _MIN_BLACK_SHARE:
        return False
    darkest, share = least[lit], least[lit] / most[lit]
    return bool(
        ((darkest >= _LIGHT) | (share >= _GREY_SHARE)).mean() < _MAX_PALE_SHARE
        and np.median(darkest) < _MAX_DARKEST_CHANNEL
        and np.median(share) < _MAX_DARKEST_SHARE
    )


def _refusal(reason: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(f"{_NO_RGB}: {reason}")
