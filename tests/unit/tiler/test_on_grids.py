"""A slide gets a plan of each grid; what one of them refuses is told once."""

from dataclasses import replace
from pathlib import Path

import pytest
from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from services.tiler.errors import SlideError
from services.tiler.grid import GridSpec
from services.tiler.isolated_reader import ReaderLimits
from services.tiler.landings import Landings
from services.tiler.on_grids import OnGrids
from services.tiler.on_landing import OnLanding
from services.tiler.planner import PlanSpec, QualityRules
from services.tiler.settings import TilerSettings
from services.tiler.unplanned import Unplanned
from shared.bus.s3_events import ObjectHint
from shared.errors import CrashedWorkerError
from shared.units import Microns, TilePx
from tests.support.slides import NOT_A_SLIDE, cc0_bytes
from tests.support.tiling import Tiling, tiling

KEY = "slides/case-1/A.svs"
HINT = ObjectHint(KEY, "medulla")
SMALL = PlanSpec(grid=GridSpec(tile_px=TilePx(64), tile_um=Microns(64.0)), tiles_per_chunk=16)
CHOOSY = PlanSpec(grid=SMALL.grid, quality=QualityRules(min_sharpness=1e9), tiles_per_chunk=16)


def of_spec(tiler: Tiling, spec: PlanSpec) -> OnLanding:
    first = tiler.on_landing
    plan_tiles = replace(first.plan_tiles, spec=spec)
    return replace(first, plan_tiles=plan_tiles, landings=Landings(tiler.blobs, spec), unreported={})


def on_grids(tiler: Tiling, further: PlanSpec = SMALL) -> OnGrids:
    return OnGrids([tiler.on_landing, of_spec(tiler, further)])


def is_pending(tiler: Tiling, grids: OnGrids) -> bool:
    landings = [grid.landings for grid in grids.grids]
    pending = Unplanned(tiler.blobs, tiler.on_landing.listing, landings, tiler.on_landing.plan_tiles.mpp)
    return KEY in [info.key for info in pending()]


def test_a_slide_of_one_plan_gets_the_further_one_from_the_sweep_and_both_are_announced(tmp_path: Path) -> None:
    with tiling(tmp_path) as tiler:
        first, grids = tiler.plan(KEY, cc0_bytes()), on_grids(tiler)
        assert is_pending(tiler, grids)
        events = list(grids(HINT))
        assert not is_pending(tiler, grids)
        assert list(grids(HINT)) == events
    assert events[0] == first
    assert [(event.plan.tile_px, event.plan.tile_um) for event in events if isinstance(event, SlideTiled)] == [
        (256, 128.0),
        (64, 64.0),
    ]


def test_a_slide_that_the_first_grid_refuses_is_one_dead_letter_and_not_looked_at_again(tmp_path: Path) -> None:
    with tiling(tmp_path) as tiler:
        tiler.land(KEY, NOT_A_SLIDE.read_bytes())
        grids = on_grids(tiler)
        with pytest.raises(SlideError) as caught:
            grids(HINT)
        refusal = grids.rejected(HINT, caught.value)
        assert refusal is not None
        grids.reported(refusal)
        assert not is_pending(tiler, grids)
        assert [type(event) for event in grids(HINT)] == [SlideRejected]


def test_what_a_further_grid_refuses_or_crashes_at_leaves_the_first_plan(tmp_path: Path) -> None:
    with tiling(tmp_path) as tiler:
        first, grids = tiler.plan(KEY, cc0_bytes()), on_grids(tiler, CHOOSY)
        tiled, refused = grids(HINT)
        assert isinstance(refused, SlideRejected)
        assert (tiled, refused.reason) == (first, "no_tissue")
        crashing = on_grids(tiler)
        died = crashing.rejected(HINT, CrashedWorkerError("it died"))
        assert died is not None
        crashing.reported(died)
        assert next(iter(crashing(HINT))) == first


def test_grids_are_settings_and_each_counts_once() -> None:
    grids = (GridSpec(), SMALL.grid, SMALL.grid)
    settings = TilerSettings(further_grids=grids)
    assert [spec.grid for spec in settings.plans] == [GridSpec(), SMALL.grid]


def test_a_turn_lasts_as_long_as_the_plans_of_all_grids_may_take() -> None:
    limits = ReaderLimits(first_turn_s=60, plan_s=3600)
    assert TilerSettings(limits=limits).longest_turn_s == 3600
    assert TilerSettings(limits=limits, further_grids=(SMALL.grid,)).longest_turn_s == 7200
    assert TilerSettings(limits=ReaderLimits(first_turn_s=90, plan_s=30)).longest_turn_s == 90
