"""Tissue, pen ink and glass, told apart by colour in an overview, the same way for every slide."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from services.tiler.ports import Mask, Overview, Rgb
from shared.units import MicronsPerPx

OVERVIEW_UM_PER_PX = MicronsPerPx(8.0)
_RIM_PX = 12


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


def find_tissue(overview: Overview, rules: TissueRules) -> TissueMap:
    """Tell tissue and pen from background in an overview at `OVERVIEW_UM_PER_PX`."""
    smooth = np.asarray(cv2.medianBlur(overview.pixels, 3), np.uint8)
    pen = find_pen(smooth) & overview.readable
    stained = _stained(smooth, rules) & overview.readable & ~pen
    closed = cv2.morphologyEx(stained.astype(np.uint8), cv2.MORPH_CLOSE, _disk(2))
    tissue = _without_specks(closed.astype(np.bool_) & ~pen & overview.readable, rules)
    return TissueMap(tissue, pen, ~overview.readable, _nearest(tissue, overview.readable) & ~overview.readable)


def find_pen(pixels: Rgb) -> Mask:
    """Pixels of marker ink, bool [height, width].

    Green and blue inks take more red than green light, which haematoxylin and eosin never do; black is black. From
    there ink is followed into its paler rim, a little way, so that basophilic tissue beside it stays tissue.
    """
    hue, saturation, value = _hsv(pixels)
    green = (hue > 75) & (hue <= 190) & (saturation > 0.25)
    blue = (hue > 190) & (hue <= 232) & (saturation > 0.4)
    black = (value < 0.25) & (saturation < 0.35)
    core = cv2.morphologyEx(((green | blue) & (value < 0.92) | black).astype(np.uint8), cv2.MORPH_OPEN, _disk(1))
    rim = (hue > 75) & (hue < 262) & (saturation > 0.1)
    for _ in range(_RIM_PX):
        core = cv2.dilate(core, _disk(1)) & (rim | (core > 0)).astype(np.uint8)
    return cv2.dilate(core, _disk(1)).astype(np.bool_)


def glass(pixels: Rgb) -> NDArray[np.float32]:
    """Colour of empty glass, float32 [3] in 0 to 255: the brightest pixels, never darker than a light grey."""
    return np.maximum(np.percentile(pixels.reshape(-1, 3), 95, axis=0), 200).astype(np.float32)


def _stained(pixels: Rgb, rules: TissueRules) -> Mask:
    relative = (pixels.astype(np.float32) + 1) / (glass(pixels) + 1)
    density = -np.log10(np.minimum(relative, 1)).mean(axis=2)
    chroma = (pixels.max(axis=2).astype(np.float32) - pixels.min(axis=2)) / 255
    mask: Mask = (density > rules.min_density) & (chroma > rules.min_chroma)
    return mask


def _nearest(mask: Mask, known: Mask) -> Mask:
    """The mask, where it is not known, as it is at the nearest known pixel."""
    if not known.any():
        return np.ones_like(mask)
    holes = (~known).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(holes, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    at = np.zeros(labels.max() + 1, np.bool_)
    at[labels[known]] = mask[known]
    filled: Mask = at[labels]
    return filled


def _without_specks(mask: Mask, rules: TissueRules) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] * OVERVIEW_UM_PER_PX**2 >= rules.min_patch_um2
    keep[0] = False
    return keep[labels] if count > 1 else np.zeros_like(mask)


def _hsv(pixels: Rgb) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Hue in degrees, saturation and value in 0 to 1."""
    hsv = np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2HSV), np.float32)
    return hsv[..., 0], hsv[..., 1], hsv[..., 2]


def _disk(radius: int) -> NDArray[np.uint8]:
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
