"""Checkpoints of the audit record: how far it was verified, signed by a key that the database does not hold."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from shared.canonical import canonical_json


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The record up to an entry, as it was verified."""

    entries: int
    head: str
    """Hash of the last of these entries."""
    verified_at: datetime
    signature: str
    """Lower-case hex."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs checkpoints by HMAC-SHA256 (RFC 2104), and recognises its own."""

    key: bytes

    def checkpoint(self, entries: int, head: str, verified_at: datetime) -> Checkpoint:
        """A signed checkpoint."""
        return Checkpoint(entries, head, verified_at, self._sign(entries, head, verified_at))

    def signed(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint was signed by this key, and not changed since."""
        expected = self._sign(checkpoint.entries, checkpoint.head, checkpoint.verified_at)
        return hmac.compare_digest(expected, checkpoint.signature)

    def _sign(self, entries: int, head: str, verified_at: datetime) -> str:
        text = canonical_json([entries, head, verified_at.astimezone(UTC).isoformat(timespec="microseconds")])
        return hmac.new(self.key, text, sha256).hexdigest()
