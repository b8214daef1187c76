"""Reads the fields of a protobuf message from foreign bytes, within a limit of their number, without copying any."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = int | float | memoryview
"""A whole number, a decimal of 4 or 8 bytes, or the bytes of a text, a message or packed numbers."""
Fields: TypeAlias = Mapping[int, Sequence[Value]]
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_DECIMALS = {_EIGHT: struct.Struct("<d"), _FOUR: struct.Struct("<f")}
_MOST_VARINT_BYTES = 10


class WireError(ValueError):
    """The bytes are no message of the kind that is expected; the text continues "the model"."""


@dataclass(frozen=True)
class Schema:
    """The numbers of the fields that a message may have: those at most once, and those that repeat."""

    name: str
    """With its article."""
    once: frozenset[int]
    many: frozenset[int] = frozenset()


class FieldReader:
    """Reads messages whose fields are `most` in all."""

    def __init__(self, most: int) -> None:
        self._left = most

    def read(self, message: Value, schema: Schema) -> Fields:
        """The fields of one message by number.

        Raises:
            WireError: it is cut off, or has a field that the schema does not, or that occurs more often than it may.
        """
        if not isinstance(message, memoryview):
            raise WireError(f"has a number where {schema.name} is expected")
        fields: dict[int, list[Value]] = {}
        at = 0
        while at < len(message):
            number, value, at = _field(message, at)
            self._count(schema, number, seen=number in fields)
            fields.setdefault(number, []).append(value)
        return fields

    def _count(self, schema: Schema, number: int, *, seen: bool) -> None:
        self._left -= 1
        if self._left < 0:
            raise WireError("has more fields than any that is read")
        if number not in schema.once | schema.many:
            raise WireError(f"has {schema.name} with field {number}, which is not read")
        if seen and number in schema.once:
            raise WireError(f"has {schema.name} with field {number} twice")


def numbers(values: Sequence[Value]) -> Iterator[int]:
    """Whole numbers of a field, packed or not, read one by one: foreign bytes may hold millions of them.

    Raises:
        WireError: there is a decimal, which other readers of the message pass over, or a number is cut off.
    """
    for value in values:
        if isinstance(value, float):
            raise WireError("has a decimal where a whole number is expected")
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            yield number


def text(values: Sequence[Value]) -> str:
    """A field's text; empty where it is absent.

    Raises:
        WireError: it is a number, or not UTF-8.
    """
    try:
        return b"".join(bytes(value) for value in map(_bytes, values)).decode()
    except UnicodeDecodeError:
        raise WireError("has a text that is not UTF-8") from None


def size(values: Sequence[Value]) -> int:
    """Bytes of a field, 8 of each number."""
    return sum(len(value) if isinstance(value, memoryview) else 8 for value in values)


def _bytes(value: Value) -> memoryview:
    if not isinstance(value, memoryview):
        raise WireError("has a number where a text is expected")
    return value


def _field(message: memoryview, at: int) -> tuple[int, Value, int]:
    """Number, value and end of the field that begins at `at`."""
    key, at = _varint(message, at)
    number, kind = key >> 3, key & 7
    if kind == _VARINT:
        value, at = _varint(message, at)
        return number, value, at
    if kind == _BYTES:
        length, at = _varint(message, at)
    elif kind in _DECIMALS:
        length = _DECIMALS[kind].size
    else:
        raise WireError("is no protobuf message")
    end = at + length
    if end > len(message):
        raise WireError("ends in the middle of a field")
    content = message[at:end]
    return number, _DECIMALS[kind].unpack(content)[0] if kind in _DECIMALS else content, end


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of up to 64 bits, without a sign, and its end."""
    number = 0
    for place, byte in enumerate(message[at : at + _MOST_VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number & (2**64 - 1), at + place + 1
    raise WireError("ends in the middle of a number, or has one of more than 64 bits")
