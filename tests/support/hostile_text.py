"""Texts that nobody has a reason to send: what databases, dates, numbers and parsers trip over."""

import base64
import json

TEXTS = (
    "\0",
    "a\0b",
    "\u202e",
    "%00",
    "../../etc/passwd",
    "' OR 1=1 --",
    "9" * 5000,
    "-1",
    "1e999",
    "NaN",
    "\U0001f9e0",
    "=",
    "////",
    "MQ==",
)
"""Valid Unicode; a lone surrogate cannot be sent over HTTP or gRPC."""


def token(value: object) -> str:
    """A page token that holds `value`, as JSON unless it is bytes."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode()


TOKENS = (
    *TEXTS,
    *map(token, (1, None, [], {}, "abc", {"a": 1, "b": 2, "c": 3}, ["case", 0, "\0"], [{}, 0, "a"], [["x"], 0, "a"])),
    token(["-updated", 1, "a"]),
    token(["-updated", "0001-01-01T00:00:00+23:59", "a"]),
    token(["-updated", "9999-12-31T23:59:59-23:59", "a"]),
    token(["-risk", {"a": 1}, "a"]),
    token(["-risk", "\ud800", "a"]),
    token(b"\xff\xfe"),
    token(b"9" * 6000),
    token(b"[" * 250),
    token(b"[" * 20_000),
    token(b'{"a":' * 5000),
)
"""Page tokens that no service gave out."""
ODD_TOKENS = (
    *(token(["-risk", number, "a"]) for number in ("nan", "inf", 10**300, -(10**300))),
    token(["-updated", "2026-01-01T00:00:00\0+00:00", "a"]),
)
"""Page tokens of risks and times that no case has: they may end a list, but break nothing."""
