"""Names of the variables that a service reads, from its settings."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from shared.settings import ServiceSettings


def variables(settings: type[ServiceSettings]) -> Iterator[str]:
    """One for each setting, those in sections with two underscores, such as `TILER_GRID__TILE_PX`."""
    return (name for name, _ in annotated(settings))


def annotated(settings: type[ServiceSettings]) -> Iterator[tuple[str, Any]]:
    """The same, with the type of each setting."""
    prefix = str(settings.model_config["env_prefix"])
    return ((f"{prefix}{name.upper()}", kind) for name, kind in _leaves(settings))


def _leaves(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if section := section_of(field.annotation):
            yield from ((f"{name}__{inner}", kind) for inner, kind in _leaves(section))
        else:
            yield name, field.annotation


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The model of a section, which may be one that need not be given."""
    kinds = (annotation, *get_args(annotation))
    return next((each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel)), None)
