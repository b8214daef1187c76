"""Tissue, pen ink, glass and filled surroundings, separated by colour in an overview, by fixed rules.

Colours are classified in strips with as many neighbouring rows as the filters need: the masks equal those of the
whole overview, for a small part of its memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from services.tiler.labels import look_up
from services.tiler.limits import MAX_OVERVIEW_PX
from services.tiler.ports import Mask, Overview, Rgb, SlideFacts
from services.tiler.surroundings import find_surroundings
from shared.arrays import Ints
from shared.units import MicronsPerPx

OVERVIEW_UM_PER_PX = MicronsPerPx(8.0)
_RIM_PX = 12
_CLOSE_PX = 2
_REACH_PX = 5
"""In addition to the rim: reach of the median, the opening and the last dilation."""
_STRIP_PX = 2**21
_GLASS_PERCENTILE = 0.95


class TissueRules(BaseModel):
    """Thresholds on colour."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_density: float = Field(default=0.06, gt=0, lt=3)
    """Mean optical density (base 10, of the three channels, against the glass) from which a pixel is stained."""
    min_chroma: float = Field(default=0.05, gt=0, lt=1)
    """Largest minus smallest channel, as a share of white: grey dust and shadows have less."""
    min_patch_um2: float = Field(default=10_000.0, ge=0)
    """Specks of tissue smaller than this are dirt."""


@dataclass(frozen=True, slots=True)
class TissueMap:
    """Masks over the overview, bool [height, width]; a pixel outside of them is background."""

    tissue: Mask
    pen: Mask
    unreadable: Mask
    presumed: Mask
    """Unreadable pixels whose nearest readable one is tissue."""


def overview_scale(slide: SlideFacts) -> MicronsPerPx:
    """Resolution of a slide's overview: 8 um/px, or the finest multiple of it at which memory stays bounded."""
    resolution = slide.resolution
    pixels = slide.width_px * resolution.mpp_x * slide.height_px * resolution.mpp_y / OVERVIEW_UM_PER_PX**2
    return MicronsPerPx(OVERVIEW_UM_PER_PX * max(1, ceil(sqrt(pixels / MAX_OVERVIEW_PX))))


def find_tissue(overview: Overview, rules: TissueRules, um_per_px: MicronsPerPx = OVERVIEW_UM_PER_PX) -> TissueMap:
    """Separate tissue and pen from background in an overview at `um_per_px`."""
    fine = OVERVIEW_UM_PER_PX / um_per_px
    readable, outside = overview.readable, find_surroundings(overview.pixels, um_per_px)
    pen, stained = _by_colour(overview.pixels, outside, rules, max(1, round(_RIM_PX * fine)))
    pen &= readable
    stained &= readable & ~pen
    closed = cv2.morphologyEx(stained.view(np.uint8), cv2.MORPH_CLOSE, _disk(max(1, round(_CLOSE_PX * fine))))
    closed_mask = closed.astype(np.bool_) & ~pen & readable & ~outside
    tissue = _without_specks(closed_mask, rules.min_patch_um2 / um_per_px**2)
    return TissueMap(tissue, pen, ~readable, _presumed(tissue, readable))


def find_pen(pixels: Rgb, rim_px: int = _RIM_PX) -> Mask:
    """Pixels of marker ink, bool [height, width].

    Green and blue inks take more red than green light, which haematoxylin and eosin never do; black ink absorbs
    all. From there ink grows a short way into its paler rim, so that basophilic tissue next to it stays tissue.
    """
    hue, saturation, value = _hsv(pixels)
    green = (hue > 75) & (hue <= 190) & (saturation > 0.25)
    blue = (hue > 190) & (hue <= 232) & (saturation > 0.4)
    black = (value < 0.25) & (saturation < 0.35)
    core = cv2.morphologyEx(((green | blue) & (value < 0.92) | black).astype(np.uint8), cv2.MORPH_OPEN, _disk(1))
    rim = (hue > 75) & (hue < 262) & (saturation > 0.1)
    for _ in range(rim_px):
        core = cv2.dilate(core, _disk(1)) & (rim | (core > 0)).astype(np.uint8)
    return cv2.dilate(core, _disk(1)).astype(np.bool_)


def _by_colour(pixels: Rgb, outside: Mask, rules: TissueRules, rim_px: int) -> tuple[Mask, Mask]:
    """Ink and stain, strip by strip, on smoothed pixels whose surroundings are white."""
    pen, stained = np.zeros(outside.shape, np.bool_), np.zeros(outside.shape, np.bool_)
    empty = _glass(pixels, outside)
    for rows, inner, smooth in _strips(pixels, outside, rim_px + _REACH_PX):
        pen[rows] = find_pen(smooth, rim_px)[inner]
        stained[rows] = _stained(smooth[inner], empty, rules)
    return pen, stained


def _strips(pixels: Rgb, outside: Mask, reach: int) -> Iterator[tuple[slice, slice, Rgb]]:
    """Rows of the overview; which rows of the pixels they are; smoothed pixels of these and `reach` rows around."""
    height, width = outside.shape
    step = max(1, _STRIP_PX // width)
    for start in range(0, height, step):
        end = min(start + step, height)
        first, last = max(0, start - reach), min(height, end + reach)
        smooth = np.asarray(cv2.medianBlur(pixels[first:last], 3), np.uint8)
        smooth[outside[first:last]] = 255
        yield slice(start, end), slice(start - first, end - first), smooth


def _glass(pixels: Rgb, outside: Mask) -> NDArray[np.float32]:
    """Colour of empty glass, float32 [3] in 0 to 255: the brightest pixels, never darker than a light grey."""
    counts = np.zeros((3, 256), np.int64)
    for rows, inner, smooth in _strips(pixels, outside, 1):
        inside = smooth[inner][~outside[rows]]
        counts += [np.bincount(inside[:, channel], minlength=256) for channel in range(3)]
    return np.maximum([_percentile(channel, _GLASS_PERCENTILE) for channel in counts], 200).astype(np.float32)


def _percentile(counts: Ints, share: float) -> float:
    """Quantile of values 0 to 255 with these counts, interpolated as in NumPy; 0 without any."""
    below = counts.cumsum()
    if not below[-1]:
        return 0.0
    place = share * (below[-1] - 1)
    lower, upper = np.searchsorted(below, [int(place), ceil(place)], side="right")
    return float(lower + (upper - lower) * (place - int(place)))


def _stained(pixels: Rgb, empty: NDArray[np.float32], rules: TissueRules) -> Mask:
    relative = (pixels.astype(np.float32) + 1) / (empty + 1)
    density = -np.log10(np.minimum(relative, 1)).mean(axis=2)
    chroma = (pixels.max(axis=2).astype(np.float32) - pixels.min(axis=2)) / 255
    mask: Mask = (density > rules.min_density) & (chroma > rules.min_chroma)
    return mask


def _presumed(tissue: Mask, readable: Mask) -> Mask:
    """Unreadable pixels that lie nearer to tissue than to anything else that could be read."""
    holes = ~readable
    if readable.all() or not readable.any():
        return holes
    nearer = _distance(tissue)[holes] < _distance(readable & ~tissue)[holes]
    presumed = np.zeros_like(holes)
    presumed[holes] = nearer
    return presumed


def _distance(mask: Mask) -> NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5), np.float32)


def _without_specks(mask: Mask, least_px: float) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_px
    keep[0] = False
    return look_up(keep, np.asarray(labels, np.int32)) if count > 1 else np.zeros_like(mask)


def _hsv(pixels: Rgb) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Hue in degrees, saturation and value in 0 to 1."""
    hsv = np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2HSV), np.float32)
    return hsv[..., 0], hsv[..., 1], hsv[..., 2]


def _disk(radius: int) -> NDArray[np.uint8]:
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
