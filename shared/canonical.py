"""Canonical JSON: the same value gives the same bytes, so that its digest identifies it."""

import hashlib
import json
from typing import Any

from shared.units import Sha256


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no white space, ASCII.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def sha256(data: bytes | memoryview) -> Sha256:
    """Lower-case hex SHA-256 of bytes."""
    return Sha256(hashlib.sha256(data).hexdigest())


def digest_of(value: Any) -> Sha256:
    """SHA-256 of a value's canonical JSON."""
    return sha256(canonical_json(value))
