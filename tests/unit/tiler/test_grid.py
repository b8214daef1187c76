"""The grid: square in microns, whole tiles only."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Level, Resolution, SlideFacts
from services.tiler.resolution import COARSEST, FINEST
from shared.units import Microns, MicronsPerPx, TilePx

px = st.integers(min_value=1, max_value=20_000)
mpp = st.floats(min_value=FINEST, max_value=COARSEST).map(MicronsPerPx)


def slide(width: int, height: int, mpp_x: float = 0.5, mpp_y: float = 0.5) -> SlideFacts:
    resolution = Resolution(MicronsPerPx(mpp_x), MicronsPerPx(mpp_y), "test")
    return SlideFacts("test", "jpeg", (Level(width, height, 1.0),), resolution)


@given(width=px, height=px, mpp_x=mpp, mpp_y=mpp)
def test_tiles_never_leave_the_slide(width: int, height: int, mpp_x: float, mpp_y: float) -> None:
    grid = lay(GridSpec(tile_um=Microns(512)), slide(width, height, mpp_x, mpp_y))
    origins = grid.origins
    assert len(origins) == grid.rows * grid.columns
    assert (origins >= 0).all()
    assert (origins[:, 0] + grid.cut.width_px <= width).all()
    assert (origins[:, 1] + grid.cut.height_px <= height).all()


@given(width=px, height=px, mpp_x=mpp, mpp_y=mpp)
def test_no_further_whole_tile_would_fit(width: int, height: int, mpp_x: float, mpp_y: float) -> None:
    grid = lay(GridSpec(tile_um=Microns(512)), slide(width, height, mpp_x, mpp_y))
    assert width - grid.columns * grid.cut.width_px < grid.cut.width_px
    assert height - grid.rows * grid.cut.height_px < grid.cut.height_px


@given(mpp_x=mpp, mpp_y=mpp)
def test_a_tile_is_square_in_microns_to_within_a_pixel(mpp_x: MicronsPerPx, mpp_y: MicronsPerPx) -> None:
    spec = GridSpec()
    assert abs(spec.side(mpp_x) * mpp_x - spec.tile_um) <= mpp_x / 2 + 1e-9
    assert abs(spec.side(mpp_y) * mpp_y - spec.tile_um) <= mpp_y / 2 + 1e-9


def test_origins_run_row_by_row() -> None:
    grid = lay(GridSpec(), slide(800, 600))
    expected = [[0, 0], [256, 0], [512, 0], [0, 256], [256, 256], [512, 256]]
    assert np.array_equal(grid.origins, np.array(expected, np.int32))
    assert grid.origins.dtype == np.int32


def test_a_slide_smaller_than_a_tile_has_no_place() -> None:
    assert len(lay(GridSpec(), slide(255, 3000)).origins) == 0


def test_resolution_of_a_tile_follows_from_its_side() -> None:
    assert GridSpec(tile_px=TilePx(224), tile_um=Microns(112)).um_per_px == 0.5
