"""Reads untrusted JSON objects within stated limits; every error is one sentence."""

import codecs
import json
import re
from functools import partial
from typing import Any

from shared.decimals import too_small
from shared.words import shown

MAX_BYTES = 1_000_000
MAX_NAMES = 1_000
"""Of one object, where the caller allows no more."""
MAX_DEPTH = 20
MAX_DIGITS = 100
"""Characters of one number."""
_SHOWN = 30

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.|\\\Z)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


class JsonObjectError(ValueError):
    """The bytes are not a JSON object within the limits; the text continues "the record"."""


def read_object(data: bytes, max_names: int = MAX_NAMES, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Names and values of a JSON object in UTF-8, with or without a byte order mark; `max_names` of one object.

    Raises:
        JsonObjectError: not an object, too large or too deep, or with a repeated name.
    """
    if len(data) > max_bytes:
        raise JsonObjectError(f"has more than {max_bytes} bytes, the most that is allowed")
    text = _text(data)
    if not text.strip():
        raise JsonObjectError("is empty")
    _check_depth(text)
    try:
        entries = json.loads(
            text, object_pairs_hook=partial(_object, max_names), parse_int=_whole, parse_float=_decimal
        )
    except json.JSONDecodeError as error:
        raise JsonObjectError(f"is no JSON: line {error.lineno}, column {error.colno}") from None
    if not isinstance(entries, dict):
        raise JsonObjectError("is no JSON object of names and values")
    return entries


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise JsonObjectError("is written in UTF-16; save it in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JsonObjectError(f"is no JSON: byte {error.start} is not UTF-8") from None


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth > MAX_DEPTH:
            raise JsonObjectError(f"is no JSON object of plain values: brackets nest deeper than {MAX_DEPTH} levels")


def _object(max_names: int, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > max_names:
        raise JsonObjectError(f"has {len(pairs)} names; {max_names} are allowed")
    entries: dict[str, Any] = {}
    for name, value in pairs:
        if name in entries:
            raise JsonObjectError(f"says {shown(name)} more than once")
        entries[name] = value
    return entries


def _whole(text: str) -> int:
    return int(_checked(text))


def _decimal(text: str) -> float:
    number = float(_checked(text))
    if too_small(text, number):
        raise JsonObjectError(
            f"holds {text[:_SHOWN]}, a number too small to be distinguished from 0; write 0 if 0 is meant"
        )
    return number


def _checked(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise JsonObjectError(f"holds a number of {len(text)} digits ({text[:8]}…); {MAX_DIGITS} are allowed")
    return text
