"""The page of settings: every variable that a service reads, from the classes of settings."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import gettempdir
from types import UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shared.settings import PlatformSettings, ServiceSettings
from tests.chart_docs.values_schema import SETTINGS
from tests.chart_docs.variables import section_of
from tests.guide_docs.attributes import attribute_docs
from tests.guide_docs.markdown import GENERATED, code, table
from tests.support.checkout import CHECKOUT

_HEAD = f"""# Settings

{GENERATED}

Services read environment variables, and files of these names in the folder that `MEDULLA_SECRETS_DIR` names. Names
of nested settings have
two underscores. The chart sets them under `platform` and in `env` of each component; the `medulla` command needs
none of them, except where it works
on a running system.
"""
_TITLES = {"tiler": "Tiler", "embedder": "Embedder", "fusionScorer": "Fusion scorer", "results": "Results"}
_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret text",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable as the page shows it."""

    name: str
    kind: str
    default: str
    about: str

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Its line of the table."""
        return code(self.name), self.kind, self.default, self.about


def page() -> str:
    """Markdown of all settings, those of all services first."""
    chapters: dict[str, type[ServiceSettings]] = {
        "All services": PlatformSettings,
        **{_TITLES[name]: each for name, each in SETTINGS.items()},
    }
    return _HEAD + "".join(f"\n## {title}\n\n{_table(settings)}" for title, settings in chapters.items())


def _table(settings: type[ServiceSettings]) -> str:
    prefix = str(settings.model_config["env_prefix"])
    rows = (setting.row for setting in described(settings, prefix))
    return table(("variable", "type", "default", "what"), rows)


def described(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    """Every setting of a class and its sections."""
    docs = attribute_docs(model)
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if section := section_of(field.annotation):
            yield from described(section, f"{variable}__")
        else:
            yield Setting(variable, _kind(field.annotation), _default(field), docs.get(name) or field.description or "")


def _kind(annotation: Any) -> str:
    """A type in words; choices by their names."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return " or ".join(_kind(each) for each in inner if each is not type(None))
    if isinstance(annotation, NewType):
        return _kind(annotation.__supertype__)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(each.value) for each in annotation)
    if origin is Literal:
        return ", ".join(map(str, inner))
    return "JSON" if inner and origin is not Annotated else _WORDS[inner[0] if inner else annotation]


def _default(field: FieldInfo) -> str:
    """The default as code; paths that depend on the machine in words."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Path) and value.is_relative_to(CHECKOUT):
        return "the one that ships"
    if isinstance(value, Path) and value.is_relative_to(gettempdir()):
        return "in the temporary folder"
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        return code(json.dumps(value))
    return code(str(value)) if isinstance(value, str | int | float | Path) else ""
