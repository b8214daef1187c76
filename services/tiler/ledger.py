"""The verdict on every place of the grid, from the overview."""

import numpy as np
from numpy.typing import NDArray

from services.tiler.grid import Grid
from services.tiler.ports import Mask, SlideFacts
from services.tiler.tissue import TissueMap
from shared.arrays import Floats, Ints
from shared.slides.verdict import Verdict

Ledger = NDArray[np.uint8]
"""uint8 [rows, columns] of `Verdict`."""


def first_verdicts(grid: Grid, slide: SlideFacts, tissue_map: TissueMap, min_tissue: float, max_pen: float) -> Ledger:
    """Ok, pen or background for each place.

    Unreadable pixels count as the nearest readable ones; if that is tissue, decoding finds the tile corrupt.
    """
    tissue = shares(tissue_map.tissue | tissue_map.presumed, grid, slide)
    pen = shares(tissue_map.pen, grid, slide)
    verdicts = np.where(tissue >= min_tissue, Verdict.OK, Verdict.BACKGROUND)
    return np.where(pen > max_pen, Verdict.PEN, verdicts).astype(np.uint8)


def shares(mask: Mask, grid: Grid, slide: SlideFacts) -> Floats:
    """Share of each place that the mask covers, float64 [rows, columns]."""
    top, bottom = _bounds(grid.rows, grid.cut.height_px, mask.shape[0] / slide.height_px, mask.shape[0])
    left, right = _bounds(grid.columns, grid.cut.width_px, mask.shape[1] / slide.width_px, mask.shape[1])
    covered = np.zeros((grid.rows, grid.columns))
    sums = np.zeros(mask.shape[1] + 1, np.int64)
    for row, (first, end) in enumerate(zip(top, bottom, strict=True)):
        np.cumsum(mask[first:end].sum(axis=0), out=sums[1:])
        covered[row] = (sums[right] - sums[left]) / ((end - first) * (right - left))
    return covered


def _bounds(places: int, side: int, scale: float, size: int) -> tuple[Ints, Ints]:
    """First and last-but-one overview pixel of each place along an axis; at least one pixel each."""
    edges = np.arange(places + 1) * side * scale
    start = np.minimum(np.rint(edges[:-1]).astype(np.int64), size - 1)
    return start, np.clip(np.rint(edges[1:]).astype(np.int64), start + 1, size)
