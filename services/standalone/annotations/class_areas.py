"""What is annotated on a slide: the area of each class, in level-0 pixels, and what was left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from services.standalone.annotations import qupath_class
from services.standalone.annotations.areas import Area, check_bounds, polygons, valid
from services.standalone.annotations.errors import BadAnnotationsError
from services.standalone.annotations.feature_files import Feature
from services.tiler.grid import Grid
from services.tiler.ports import SlideFacts
from shared.export.geojson import MOST_ATTENDED

MAX_CLASSES = 64
_MOST_OUTSIDE = 0.2
"""Share of the annotated area that may hang over the slide's edge."""


@dataclass(frozen=True, eq=False)
class ClassAreas:
    """Areas by class, without what `Ignore*` covers; and how many objects were left out, by the reason why."""

    areas: Mapping[str, Area]
    left_out: Mapping[str, int]


def class_areas(features: Sequence[Feature], slide: SlideFacts, grid: Grid) -> ClassAreas:
    """Read the areas of a slide's classes from its features.

    Raises:
        BadAnnotationsError: they break their form, are beyond bounds, or cannot lie on this slide.
    """
    by_class, left_out = _by_class(features)
    check_bounds([area for areas in by_class.values() for area in areas])
    whole = {name: shapely.transform(valid(areas), _moved_by(slide)) for name, areas in by_class.items()}
    whole = {name: area for name, area in whole.items() if area.area > 0}
    if whole:
        _check_place(whole, slide, grid)
    ignored = whole.pop(qupath_class.IGNORE, None)
    kept = {name: area if ignored is None else shapely.difference(area, ignored) for name, area in whole.items()}
    return ClassAreas(kept, left_out)


def _by_class(features: Sequence[Feature]) -> tuple[dict[str, list[Area]], Counter[str]]:
    by_class: dict[str, list[Area]] = {}
    left_out: Counter[str] = Counter()
    for feature in features:
        name = qupath_class.class_name(feature) if qupath_class.is_annotation(feature) else None
        why = _why_left_out(feature, name)
        areas = [] if why else polygons(feature.get("geometry"))
        if name is None or not areas:
            left_out[why or "points and lines"] += 1
        else:
            by_class.setdefault(name, []).extend(areas)
    if len(by_class) > MAX_CLASSES:
        raise BadAnnotationsError(f"the annotations have {len(by_class)} classes; {MAX_CLASSES} at most")
    return by_class, left_out


def _why_left_out(feature: Feature, name: str | None) -> str:
    if not qupath_class.is_annotation(feature):
        return "tiles, cells and other detections"
    if name is None:
        return "annotations without a class"
    if qupath_class.is_region(name):
        return "regions, whose class ends with *"
    if name == MOST_ATTENDED:
        return "attention that Medulla exported"
    return "annotations in another plane" if _is_in_other_plane(feature.get("geometry")) else ""


def _is_in_other_plane(geometry: Any) -> bool:
    """Whether it lies at another depth or time than the first, which is the one that is read."""
    plane = geometry.get("plane") if isinstance(geometry, dict) else None
    return isinstance(plane, dict) and bool(plane.get("z") or plane.get("t"))


def _moved_by(slide: SlideFacts) -> Any:
    """QuPath counts from the corner of the area that the format states as scanned."""
    return lambda points: points + np.array(slide.scanned_from, np.float64)


def _check_place(areas: Mapping[str, Area], slide: SlideFacts, grid: Grid) -> None:
    """Refuse what can only be of another image, or in other units than pixels of the full resolution."""
    left, top, right, bottom = shapely.total_bounds(list(areas.values()))
    if right - left < grid.cut.width_px and bottom - top < grid.cut.height_px:
        raise BadAnnotationsError(
            f"all annotations lie within {right - left:.4g} x {bottom - top:.4g}, less than one tile of "
            f"{grid.cut.width_px} px: coordinates are pixels of the full resolution, not degrees, millimetres or shares"
        )
    inside = shapely.clip_by_rect(list(areas.values()), 0, 0, slide.width_px, slide.height_px)
    whole = sum(area.area for area in areas.values())
    outside = 1 - float(shapely.area(inside).sum()) / whole
    if outside > _MOST_OUTSIDE:
        raise BadAnnotationsError(
            f"{outside:.0%} of the annotated area lies outside of the slide's {slide.width_px} x {slide.height_px} px: "
            "it is of another image, or of another resolution"
        )
