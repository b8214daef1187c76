"""QuPath's rules of reading GeoJSON, after its source: `PathObjectTypeAdapters`, `ROITypeAdapters`, `PathClass`.

github.com/qupath/qupath, commit 0a77ded42fca9cf3c48263cb1e756ba3f98fa9a1, qupath-core/src/main/java/qupath/lib/io.
What QuPath throws on, or logs as unknown and reads as something else, is a ValueError here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

_TYPES = {"annotation", "tile", "detection", "cell", "tmaCore", "root"}
_RING = 4
"""Fewest points of a closed ring of JTS."""


@dataclass(frozen=True)
class PathObject:
    """An object as QuPath holds it after import."""

    kind: str
    bounds: tuple[float, float, float, float]
    """Left, top, right, bottom in level-0 pixels."""
    measurements: Mapping[str, float]
    path_class: str | None
    colour: int | None
    name: str | None
    locked: bool


def read_objects(data: bytes) -> list[PathObject]:
    """The objects of a feature collection."""
    collection = json.loads(data)
    if collection["type"] != "FeatureCollection" or not isinstance(collection["features"], list):
        raise ValueError("no feature collection")
    return [_object(feature) for feature in collection["features"]]


def _object(feature: Mapping[str, Any]) -> PathObject:
    properties = feature["properties"]
    kind = properties["objectType"]
    if feature["type"] != "Feature" or kind not in _TYPES:
        raise ValueError(f"unknown object type {kind}")
    if "id" in feature:
        UUID(feature["id"])
    path_class, colour = _classification(properties.get("classification"))
    measurements = {name: _number(value) for name, value in properties.get("measurements", {}).items()}
    locked, name = properties.get("isLocked", False), properties.get("name")
    if not isinstance(locked, bool) or not isinstance(name, str | None):
        raise ValueError("isLocked is no boolean, or name no text")
    return PathObject(kind, _bounds(feature["geometry"]), measurements, path_class, colour, name, locked)


def _bounds(geometry: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """The bounds of a polygon without holes."""
    if geometry["type"] != "Polygon":
        raise ValueError("no polygon")
    (ring,) = geometry["coordinates"]
    if len(ring) < _RING or ring[0] != ring[-1]:
        raise ValueError("the points of a ring do not form a closed line")
    xs, ys = ([_number(point[axis]) for point in ring] for axis in (0, 1))
    return min(xs), min(ys), max(xs), max(ys)


def _classification(value: Any) -> tuple[str | None, int | None]:
    """The name, which may hold no line break and becomes several names at a colon; packed RGB."""
    if value is None:
        return None, None
    name, (red, green, blue) = value["name"], value["color"]
    if not name or "\n" in name or ":" in name or not all(0 <= channel <= 255 for channel in (red, green, blue)):
        raise ValueError(f"bad class {name}")
    return name, red << 16 | green << 8 | blue


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value} is no number")
    return float(value)
