"""GeoJSON geometries as valid polygons; what cannot be repaired within bounds is refused."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from services.standalone.annotations.errors import BadAnnotationsError
from shared.arrays import Floats

MAX_VERTICES = 500_000
"""Of all annotations of a slide."""
_LARGEST = 2.0**31
"""Coordinates beyond it are of no slide."""
_PAIRS, _PAIRS_A_SIDE = 100_000, 8
"""The most pairs of sides with overlapping bounds, by themselves and for each side; repairs take time with them."""
_AT_ONCE = 5_000_000
"""Pairs that are looked for in one step, at most."""
_NO_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")

Area = BaseGeometry
"""Polygons; empty without any."""


def polygons(geometry: Any) -> list[Area]:
    """Polygons as a geometry has them, valid or not; none of points and lines.

    Raises:
        BadAnnotationsError: it is no geometry, or has a coordinate that is no number of pixels.
    """
    try:
        return _polygons(geometry)
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError, GEOSException):
        raise BadAnnotationsError("a polygon has other coordinates than rings of points with x and y") from None


def _polygons(geometry: Any) -> list[Area]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind in _NO_AREA:
        return []
    if kind == "Polygon":
        return _polygon(geometry["coordinates"])
    if kind == "MultiPolygon":
        return [area for rings in geometry["coordinates"] for area in _polygon(rings)]
    if kind == "GeometryCollection":
        return [area for entry in geometry["geometries"] for area in _polygons(entry)]
    raise BadAnnotationsError("a feature has no geometry that GeoJSON knows")


def check_bounds(areas: Sequence[Area]) -> None:
    """Refuse polygons of more vertices, or with more possible crossings, than can be worked on in short time.

    Raises:
        BadAnnotationsError: naming the bound.
    """
    vertices = int(shapely.get_num_coordinates(areas).sum()) if areas else 0
    if vertices > MAX_VERTICES:
        raise BadAnnotationsError(f"the annotations have {vertices:,} vertices; {MAX_VERTICES:,} at most")
    if vertices and _is_tangled(areas):
        raise BadAnnotationsError("the annotations cross each other or themselves too often to be told apart")


def valid(areas: Sequence[Area]) -> Area:
    """The area that polygons cover together, self-intersections repaired by the rings' own order.

    Raises:
        BadAnnotationsError: they cannot be repaired.
    """
    try:
        repaired = shapely.make_valid(list(areas), method="structure", keep_collapsed=False)
        return shapely.union_all([polygon for area in repaired for polygon in _polygonal(area)])
    except GEOSException as error:
        raise BadAnnotationsError(f"the annotations cannot be made valid: {error}") from None


def _polygonal(area: Area) -> Iterator[Area]:
    """The polygons of what a repair leaves, without lines and points."""
    return (piece for piece in shapely.get_parts(area) if shapely.get_dimensions(piece) == 2)


def _polygon(rings: Sequence[Any]) -> list[Area]:
    if not rings:
        return []
    shell, *holes = [_ring(ring) for ring in rings]
    return [shapely.Polygon(shell, holes)]


def _ring(points: Sequence[Any]) -> Floats:
    """x and y [n, 2] of a ring; a third coordinate is left aside."""
    ring = np.array([(point[0], point[1]) for point in points], np.float64)
    if ring.ndim != 2 or len(ring) < 3 or not np.isfinite(ring).all() or np.abs(ring).max() > _LARGEST:
        raise BadAnnotationsError("a ring has a coordinate that is no number of pixels, or fewer than three points")
    return ring


def _is_tangled(areas: Sequence[Area]) -> bool:
    sides = _sides(areas)
    tree, pairs, step = shapely.STRtree(sides), 0, max(1, _AT_ONCE // len(sides))
    for start in range(0, len(sides), step):
        pairs += tree.query(sides[start : start + step]).shape[1]
        if pairs > _PAIRS + _PAIRS_A_SIDE * len(sides):
            return True
    return False


def _sides(areas: Sequence[Area]) -> "np.ndarray[Any, np.dtype[np.object_]]":
    """Every side of every ring."""
    rings = shapely.get_rings(list(areas))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return np.asarray(shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1)[same]))
