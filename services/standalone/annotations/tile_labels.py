"""The class of each tile of a plan, and which tiles get none."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.standalone.annotations.areas import Area
from services.standalone.annotations.tile_shares import covered
from services.tiler.planner import TilePlan
from services.tiler.ports import Origins
from shared.arrays import Floats, Ints
from shared.slides.verdict import Verdict

CONTESTED = "tiles that two classes cover alike"
_ALIKE = 1e-6
"""Shares that differ by less are the same."""
_WHY = {
    Verdict.BACKGROUND: "tiles with too little tissue",
    Verdict.PEN: "tiles with pen",
    Verdict.BLURRED: "tiles out of focus",
}


@dataclass(frozen=True, eq=False)
class TileLabels:
    """Tiles [n] with a class, row by row; and how many of those that would have one were left out, by reason."""

    origins: Origins
    """int32 [n, 2] x and y of the corner, level-0 pixels."""
    label: Ints
    """[n] index of the class."""
    share: Floats
    """[n] share of the tile within its class."""
    classes: tuple[str, ...]
    left_out: Mapping[str, int]


def label_tiles(areas: Mapping[str, Area], plan: TilePlan, least: float) -> TileLabels:
    """Give a tile the class that covers `least` of it or more, and more of it than any other class."""
    classes = tuple(sorted(areas))
    best, second = np.zeros(plan.ledger.shape), np.zeros(plan.ledger.shape)
    label = np.full(plan.ledger.shape, -1, np.int64)
    for index, name in enumerate(classes):
        share = covered(areas[name], plan.grid)
        second = np.maximum(second, np.minimum(best, share))
        label[share > best] = index
        best = np.maximum(best, share)
    enough = (best >= least - _ALIKE) & (label >= 0)
    clear = enough & (best - second > _ALIKE)
    chosen = np.flatnonzero(clear & (plan.ledger == Verdict.OK))
    counts = Counter({why: int((clear & (plan.ledger == verdict)).sum()) for verdict, why in _WHY.items()})
    counts[CONTESTED] = int((enough & ~clear).sum())
    origins = plan.grid.corners(chosen)
    return TileLabels(origins, label.ravel()[chosen], best.ravel()[chosen], classes, +counts)
