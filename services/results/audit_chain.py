"""The audit record: each entry holds the hash of the one before, so no entry can be changed or lost unseen."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from shared.canonical import digest_of, sha256

GENESIS = "0" * 64
"""Stands where the first entry has no entry before it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One score, or one withdrawal, as it was recorded."""

    seq: int
    """1, 2, 3, …, without a gap."""
    case_id: str
    score_id: str
    """Empty for a withdrawal, as is `score_digest`."""
    score_digest: str
    as_of: datetime
    event_id: str
    recorded_at: datetime
    previous: str
    """Hash of entry `seq - 1`, or GENESIS."""
    why: str | None = None
    """Why a case was withdrawn, or what its score is no longer made from; it names digests alone."""

    def hash(self) -> str:
        """Lower-case hex SHA-256 over the canonical JSON of all fields, times in UTC with microseconds.

        An entry without `why` is hashed without that field, as older programs did.
        """
        fields = asdict(self) | {"as_of": _stamp(self.as_of), "recorded_at": _stamp(self.recorded_at)}
        return digest_of({name: value for name, value in fields.items() if (name, value) != ("why", None)})


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry as it stands in the database, with the hash kept beside it and the score it speaks of."""

    entry: AuditEntry
    kept_hash: str
    body: str | None
    """None where the score is gone."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What walking the record found; a `head` noted elsewhere shows whether the newest entries are still there."""

    entries: int
    head: str
    problem: str = ""
    """The first thing that is wrong, in a sentence; empty where all is well."""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


def no_longer_from(before: str, now: str) -> str | None:
    """What the score `before` was made from and the score `now` is not, both as JSON; None where that is nothing."""
    gone = list(_gone(json.loads(before).get("provenance", {}), json.loads(now).get("provenance", {})))
    return f"No longer made from {', '.join(gone)}." if gone else None


def _gone(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    here = {slide.get("slide_digest") for slide in now.get("slides", ())}
    for digest in sorted({slide.get("slide_digest", "") for slide in before.get("slides", ())} - here):
        yield f"the slide with SHA-256 {digest}"
    if before.get("clinical_digest") and not now.get("clinical_digest"):
        yield f"the clinical record with SHA-256 {before['clinical_digest']}"


def verify(rows: Iterable[AuditRow]) -> ChainReport:
    """Walk the record in the order of `seq`, and stop at the first entry that does not fit."""
    head, count = GENESIS, 0
    for count, row in enumerate(rows, start=1):
        if problem := _problem(row, count, head):
            return ChainReport(count - 1, head, problem)
        head = row.kept_hash
    return ChainReport(count, head)


def _problem(row: AuditRow, seq: int, head: str) -> str:
    entry = row.entry
    if entry.seq != seq:
        return f"Entry {seq} is missing; the next one is {entry.seq}."
    if entry.previous != head:
        return f"Entry {seq} does not follow from the entry before it."
    if entry.hash() != row.kept_hash:
        return f"Entry {seq} (case {entry.case_id}) was changed after it was written."
    return _body_problem(row)


def _body_problem(row: AuditRow) -> str:
    entry = row.entry
    if not entry.score_id:
        return ""
    if row.body is None:
        return f"Score {entry.score_id} of case {entry.case_id} (entry {entry.seq}) is gone."
    if sha256(row.body.encode()) != entry.score_digest:
        return f"Score {entry.score_id} of case {entry.case_id} (entry {entry.seq}) was changed after it was written."
    return ""


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")
