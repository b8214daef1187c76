"""Verdicts on the places of a grid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.grid import GridSpec, lay
from services.tiler.ledger import first_verdicts, shares
from services.tiler.ports import Level, Resolution, SlideFacts
from services.tiler.tissue import TissueMap
from shared.slides.verdict import Verdict
from shared.units import MicronsPerPx

SLIDE = SlideFacts("test", "jpeg", (Level(1024, 512, 1.0),), Resolution(MicronsPerPx(0.5), MicronsPerPx(0.5), "test"))
GRID = lay(GridSpec(), SLIDE)


def test_the_share_of_each_place_is_counted_by_hand() -> None:
    mask = np.zeros((32, 64), np.bool_)
    mask[:8, :16] = True
    mask[16:, 48:] = True
    assert shares(mask, GRID, SLIDE).tolist() == [[0.5, 0, 0, 0], [0, 0, 0, 1]]


def test_pen_wins_over_tissue_and_tissue_over_background() -> None:
    none = np.zeros((32, 64), np.bool_)
    tissue, pen, unreadable = none.copy(), none.copy(), none.copy()
    tissue[:16, :32] = True
    pen[:4, :16] = True
    unreadable[16:, :16] = True
    ledger = first_verdicts(GRID, SLIDE, TissueMap(tissue, pen, unreadable, unreadable), 0.4, 0.05)
    assert ledger.tolist() == [
        [Verdict.PEN, Verdict.OK, Verdict.BACKGROUND, Verdict.BACKGROUND],
        [Verdict.OK, Verdict.BACKGROUND, Verdict.BACKGROUND, Verdict.BACKGROUND],
    ]
    assert ledger.dtype == np.uint8


@given(
    width=st.integers(1, 5000), height=st.integers(1, 5000), overview=st.tuples(st.integers(1, 90), st.integers(1, 90))
)
def test_shares_are_shares_whatever_the_sizes(width: int, height: int, overview: tuple[int, int]) -> None:
    slide = SlideFacts("test", "jpeg", (Level(width, height, 1.0),), SLIDE.resolution)
    grid = lay(GridSpec(), slide)
    assert np.array_equal(shares(np.ones(overview, np.bool_), grid, slide), np.ones((grid.rows, grid.columns)))
