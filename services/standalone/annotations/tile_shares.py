"""Which share of each tile of a grid an area covers."""

import numpy as np
import shapely

from services.standalone.annotations.areas import Area
from services.tiler.grid import Grid
from shared.arrays import Floats

_WHOLE = 1 - 1e-9


def covered(area: Area, grid: Grid) -> Floats:
    """Share of each place that `area` covers, float64 [rows, columns]; halved as long as an edge runs through it."""
    shares = np.zeros((grid.rows, grid.columns))
    pending = [(area, 0, grid.rows, 0, grid.columns)]
    while pending:
        whole, top, bottom, left, right = pending.pop()
        places = (bottom - top) * (right - left)
        piece = _clipped(whole, grid, top, bottom, left, right) if places else shapely.Polygon()
        share = piece.area / max(1, places * grid.cut.width_px * grid.cut.height_px)
        if share >= _WHOLE or places == 1:
            shares[top:bottom, left:right] = min(1.0, share)
        elif share > 0:
            pending += [(piece, *half) for half in _halves(top, bottom, left, right)]
    return shares


def _halves(top: int, bottom: int, left: int, right: int) -> list[tuple[int, int, int, int]]:
    if bottom - top >= right - left:
        row = (top + bottom) // 2
        return [(top, row, left, right), (row, bottom, left, right)]
    column = (left + right) // 2
    return [(top, bottom, left, column), (top, bottom, column, right)]


def _clipped(area: Area, grid: Grid, top: int, bottom: int, left: int, right: int) -> Area:
    width, height = grid.cut.width_px, grid.cut.height_px
    return shapely.clip_by_rect(area, left * width, top * height, right * width, bottom * height)
