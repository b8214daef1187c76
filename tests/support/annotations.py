"""Annotations as QuPath writes them, after its source (`PathObjectTypeAdapters`, `ROITypeAdapters`; see `qupath`)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

Ring = list[list[float]]


def square(x: float, y: float, width: float, height: float) -> Ring:
    """The closed ring of a rectangle."""
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]


def polygon(*rings: Ring) -> dict[str, Any]:
    """A polygon; rings after the first are holes."""
    return {"type": "Polygon", "coordinates": list(rings)}


def annotation(name: str | None, geometry: Any, **properties: Any) -> dict[str, Any]:
    """An annotation of QuPath 0.4 or later; a class with `: ` is a derived one."""
    names = name.split(": ") if name else []
    named = {"name": names[0]} if len(names) == 1 else {"names": names}
    classification = {"classification": named | {"color": [200, 0, 0]}} if names else {}
    return {
        "type": "Feature",
        "id": str(UUID(int=1)),
        "geometry": geometry,
        "properties": {"objectType": "annotation", **classification, "isLocked": True, **properties},
    }


def write_annotations(path: Path, features: Sequence[Any]) -> Path:
    """A feature collection."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path
