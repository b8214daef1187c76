"""What all entries of a report have in common: how they stand in report.json, and how they are read back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from shared.model.variable import Frozen


@dataclass(frozen=True)
class Inline:
    """Marks a field whose own entries stand beside the others in the file, their names after `prefix`."""

    names: frozenset[str] = frozenset()
    prefix: str = ""

    @classmethod
    def of(cls, *kinds: type[Any]) -> "Inline":
        """The entries of models or dataclasses."""
        return cls(frozenset(name for kind in kinds for name in _names(kind)))

    def has(self, key: str) -> bool:
        """Whether an entry of the file belongs to the field."""
        return key in self.names or (bool(self.prefix) and key.startswith(self.prefix))


def _names(kind: type[Any]) -> Iterable[str]:
    return kind.model_fields if issubclass(kind, BaseModel) else [field.name for field in fields(kind)]


class Entry(Frozen):
    """Immutable; a field with a default is left out of the file where it has that default."""

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value: Any) -> Any:
        """Put the entries of inline fields together again."""
        if not isinstance(value, Mapping):
            return value
        content = dict(value)
        for name, inline in cls._inlined().items():
            own = [key for key in content if inline.has(key)]
            if name not in content and (own or inline.prefix):
                content[name] = {key.removeprefix(inline.prefix): content.pop(key) for key in own}
        return content

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The entries in order, those of inline fields in their places."""
        inlined = self._inlined()
        content: dict[str, Any] = {}
        for name, value in handler(self).items():
            if self._is_default(name):
                continue
            own = {inlined[name].prefix + key: each for key, each in value.items()} if name in inlined else {}
            content |= own if name in inlined else {name: value}
        return content

    def _is_default(self, name: str) -> bool:
        field = type(self).model_fields[name]
        return not field.is_required() and bool(getattr(self, name) == field.get_default(call_default_factory=True))

    @classmethod
    def _inlined(cls) -> dict[str, Inline]:
        metadata = ((name, mark) for name, field in cls.model_fields.items() for mark in field.metadata)
        return {name: mark for name, mark in metadata if isinstance(mark, Inline)}


def _number(years: Any) -> Any:
    return years.removesuffix("y") if isinstance(years, str) else years


Years = Annotated[float, BeforeValidator(_number), PlainSerializer(lambda years: f"{years:g}y", return_type=str)]
"""Years as the name of an entry: `3y`."""
