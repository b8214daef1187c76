"""The class of a tile: the share that an area covers, and when a tile gets none."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from services.standalone.annotations.areas import Area
from services.standalone.annotations.labelled_tiles import similar_classes
from services.standalone.annotations.tile_labels import CONTESTED, TileLabels, label_tiles
from services.standalone.annotations.tile_shares import covered
from services.tiler.grid import Grid
from services.tiler.planner import TilePlan
from services.tiler.ports import Cut
from shared.slides.verdict import Verdict
from shared.units import Level0Px, TilePx

GRID = Grid(3, 5, Cut(Level0Px(10), Level0Px(10), TilePx(256)))
point = st.tuples(st.integers(-20, 70), st.integers(-20, 50))


def labels(areas: dict[str, Area], verdicts: dict[tuple[int, int], Verdict] | None = None) -> TileLabels:
    """Labels of tiles that all pass quality control, but for `verdicts`."""
    ledger = np.zeros((GRID.rows, GRID.columns), np.uint8)
    for place, verdict in (verdicts or {}).items():
        ledger[place] = verdict
    return label_tiles(areas, cast(TilePlan, SimpleNamespace(grid=GRID, ledger=ledger)), 0.5)


@settings(max_examples=60, deadline=None)
@given(st.lists(point, min_size=3, max_size=9))
def test_shares_are_those_of_intersecting_each_tile(points: list[tuple[int, int]]) -> None:
    area = shapely.convex_hull(shapely.multipoints(points))
    boxes = [shapely.box(x, y, x + 10, y + 10) for x, y in GRID.origins.tolist()]
    expected = shapely.area(shapely.intersection(np.array(boxes), area)) / 100
    assert np.allclose(covered(area, GRID).ravel(), expected, atol=1e-9)


def test_a_tile_has_the_class_that_covers_half_of_it_or_more() -> None:
    labelled = labels({"Tumor": shapely.box(0, 0, 15, 10), "Stroma": shapely.box(16, 0, 30, 10)})
    named = [labelled.classes[label] for label in labelled.label]
    assert labelled.origins.tolist() == [[0, 0], [10, 0], [20, 0]]
    assert named == ["Tumor", "Tumor", "Stroma"]
    assert labelled.share.tolist() == [1.0, 0.5, 1.0]


def test_a_tile_that_two_classes_cover_alike_has_none() -> None:
    labelled = labels({"Tumor": shapely.box(0, 0, 20, 10), "Necrosis": shapely.box(0, 0, 10, 10)})
    assert labelled.origins.tolist() == [[10, 0]]
    assert labelled.left_out == {CONTESTED: 1}


def test_tiles_that_quality_control_rejects_are_left_out_with_counts() -> None:
    rejected = {(0, 0): Verdict.PEN, (0, 1): Verdict.BLURRED, (2, 4): Verdict.BACKGROUND}
    labelled = labels({"Tumor": shapely.box(0, 0, 30, 10)}, rejected)
    assert labelled.origins.tolist() == [[20, 0]]
    assert labelled.left_out == {"tiles with pen": 1, "tiles out of focus": 1}


def test_classes_of_several_slides_are_alike_if_their_writing_or_their_folder_is() -> None:
    names = ["Stroma", "Tumor", "tumor", "Wall/Vessel", "Wall_Vessel"]
    assert similar_classes(names) == (("tumor", "Tumor"), ("Wall_Vessel", "Wall/Vessel"))
