"""Damaged and strange versions of good inputs; the same random numbers give the same bytes."""

import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

ODD_NUMBERS = (0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 10**400, 1e308, -1e308, 5e-324, 0.1, 300)
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "\ud800",
    "\u202e",
    "\ufeff",
    "NA",
    "NaN",
    "Infinity",
    "-",
    "1,5",
    "0x10",
    "1e999",
    "M0/M1",
    "Group 3",
    "../../etc/passwd",
    "=1+1",
    "a" * 70_000,
    "\u00e4\u00f6\u00fc",
    "1" * 5000,
    "\r\n",
    '"',
    "true",
)
_INTERESTING = (0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
_DEEPEST = 100_000


def damaged(data: bytes, rng: Random, head: int | None = None) -> bytes:
    """Some bytes changed, most of them among the first `head`, or pieces cut, doubled or moved."""
    copy = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if copy:
            rng.choice(_BYTES)(copy, rng, min(head or len(copy), len(copy)))
    return bytes(copy)


def _flip(copy: bytearray, rng: Random, head: int) -> None:
    copy[rng.randrange(head)] ^= 1 << rng.randrange(8)


def _replace(copy: bytearray, rng: Random, head: int) -> None:
    kind = rng.choice(("<B", "<H", ">H", "<I", ">I", "<Q"))
    value = struct.pack(kind, rng.choice(_INTERESTING) % 256 ** struct.calcsize(kind))
    at = rng.randrange(head)
    copy[at : at + len(value)] = value


def _cut(copy: bytearray, rng: Random, head: int) -> None:
    at = rng.randrange(head)
    del copy[at : at + rng.choice((1, 2, 16, len(copy)))]


def _double(copy: bytearray, rng: Random, head: int) -> None:
    at = rng.randrange(head)
    copy[at:at] = copy[at : at + rng.choice((1, 8, 512))] * rng.choice((1, 2, 100))


def _fill(copy: bytearray, rng: Random, head: int) -> None:
    at, size = rng.randrange(head), rng.choice((1, 4, 64))
    copy[at : at + size] = bytes([rng.choice((0, 255, rng.randrange(256)))]) * size


_BYTES: Sequence[Callable[[bytearray, Random, int], None]] = (_flip, _flip, _replace, _replace, _cut, _double, _fill)


def odd_value(rng: Random, depth: int = 0) -> Any:
    """An unexpected JSON value."""
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return rng.choice(ODD_NUMBERS)
    if kind < 3:
        return rng.choice(ODD_TEXTS)
    if kind == 3:
        return rng.choice((None, True, False, float("nan"), float("inf")))
    if kind == 4:
        return rng.uniform(-1e6, 1e6)
    if kind == 5:
        return [odd_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(ODD_TEXTS)[:99]: odd_value(rng, depth + 1) for _ in range(rng.randrange(4))}


def odd_json(good: Any, rng: Random) -> bytes:
    """A JSON document with one to three values replaced, dropped or added somewhere, or strange as a whole."""
    if rng.random() < 0.3:
        return rng.choice(_DOCUMENTS)(json.dumps(good), rng)
    changed = json.loads(json.dumps(good))
    for _ in range(rng.randrange(1, 4)):
        changed = _changed(changed, rng)
    return json.dumps(changed).encode()


def _deep(_: str, rng: Random) -> bytes:
    return rng.choice((b"[", b'{"a":')) * rng.randrange(1, _DEEPEST)


def _many_names(_: str, rng: Random) -> bytes:
    return json.dumps({f"name_{n}": n for n in range(rng.choice((10, 12_000, 60_000)))}).encode()


def _many_digits(_: str, rng: Random) -> bytes:
    return b'{"age_at_diagnosis_years": ' + b"1" * rng.choice((401, 5000, 900_000)) + b"}"


def _said_twice(text: str, _: Random) -> bytes:
    return (text[:-1] + "," + text[1:]).encode()


def _otherwise_coded(text: str, rng: Random) -> bytes:
    return text.encode(rng.choice(("utf-16", "utf-8-sig", "utf-32", "latin-1")), errors="replace")


def _damaged(text: str, rng: Random) -> bytes:
    return damaged(text.encode(), rng)


_DOCUMENTS: Sequence[Callable[[str, Random], bytes]] = (
    _deep,
    _many_names,
    _many_digits,
    _said_twice,
    _otherwise_coded,
    _damaged,
)


def _changed(value: Any, rng: Random) -> Any:
    """The value with something in it replaced, dropped or added."""
    if not value or not isinstance(value, dict | list) or rng.random() < 0.1:
        return odd_value(rng)
    names = list(value) if isinstance(value, dict) else list(range(len(value)))
    name = rng.choice(names)
    if rng.random() < 0.15:
        del value[name]
    elif isinstance(value, dict) and rng.random() < 0.1:
        value[rng.choice(ODD_TEXTS)] = odd_value(rng)
    else:
        value[name] = _changed(value[name], rng)
    return value


def odd_table(good: str, rng: Random) -> bytes:
    """A table with cells, rows, separators or coding changed."""
    rows = [line.split(",") for line in good.splitlines()]
    for _ in range(rng.randrange(1, 5)):
        row = rng.choice(rows)
        if row:
            row[rng.randrange(len(row))] = rng.choice(ODD_TEXTS) if rng.random() < 0.8 else str(rng.choice(ODD_NUMBERS))
        if rng.random() < 0.1:
            row.append("more")
        if rng.random() < 0.05:
            rows.append(list(row))
    separator, end = rng.choice(",,,;\t"), rng.choice(("\n", "\r\n", "\r"))
    text = end.join(separator.join(row) for row in rows)
    data = text.encode(rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252")), errors="replace")
    return damaged(data, rng) if rng.random() < 0.2 else data
