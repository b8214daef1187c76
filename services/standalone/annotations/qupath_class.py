"""What QuPath says of a feature: whether it is an annotation, and its class (`GsonTools`, `PathObjectTypeAdapters`)."""

from collections.abc import Mapping
from typing import Any

from services.standalone.annotations.errors import BadAnnotationsError
from services.standalone.annotations.feature_files import Feature
from shared.words import shown

IGNORE = "Ignore*"
"""Class whose area is taken out of every other one."""
_BETWEEN = ": "
_NO_AREA_OF_A_CLASS = "*"
"""QuPath ends names so of classes that only mark a region."""
_LONGEST = 100
_ANNOTATIONS = ("annotation", "PathAnnotationObject", "unknown")
_DEEPEST = 20


def is_annotation(feature: Feature) -> bool:
    """Whether QuPath reads it as an annotation, and not as a tile, a cell or another detection.

    Versions before 0.3 have the type as the feature's id; without any, it is an annotation.
    """
    properties = _mapping(feature.get("properties"))
    identity = feature.get("id")
    legacy = identity if isinstance(identity, str) and identity.startswith("Path") else "annotation"
    kind = next((properties[name] for name in ("objectType", "object_type", "type") if name in properties), legacy)
    return kind in _ANNOTATIONS


def is_region(name: str) -> bool:
    """Whether a class only marks a region, as `Region*` does, and is no label of tissue."""
    return name.endswith(_NO_AREA_OF_A_CLASS) and name != IGNORE


def class_name(feature: Feature) -> str | None:
    """The name of its class, `A: B` where B is derived from A; None without one.

    Versions from 0.4 write `name`, or `names` of a derived class; older ones `name` with `parentClass`.

    Raises:
        BadAnnotationsError: the class is given in another form.
    """
    value = _mapping(feature.get("properties")).get("classification")
    names = [value] if isinstance(value, str) else _names(_mapping(value), _DEEPEST)
    if not all(isinstance(name, str) for name in names):
        raise BadAnnotationsError(f"a classification is {shown(value)}, allowed is an object with a name")
    name = _BETWEEN.join(name.strip() for name in names if name.strip())
    if len(name) > _LONGEST or not name.isprintable():
        raise BadAnnotationsError(
            f"a class is called {shown(name)}; allowed are {_LONGEST} characters that can be shown"
        )
    return name or None


def _names(value: Mapping[str, Any], depth: int) -> list[Any]:
    names = value.get("names")
    if isinstance(names, list):
        return names
    parents = _names(_mapping(value.get("parentClass")), depth - 1) if depth and "parentClass" in value else []
    return [*parents, value["name"]] if value.get("name") is not None else parents


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
