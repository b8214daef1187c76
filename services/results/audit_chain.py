"""The audit record: each entry holds the hash of the one before, so no entry can be changed or lost unseen."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.canonical import digest_of, sha256
from shared.units import Sha256

ERASED = "The case was erased; of its entries digests are left."
"""Why an erasure is in the record."""
GENESIS = "0" * 64
"""Stands where the first entry has no entry before it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One score, one withdrawal or one erasure, as it was recorded."""

    seq: int
    """1, 2, 3, …, without a gap."""
    case_id: str
    score_id: str
    """Empty for a withdrawal, as is `score_digest`; empty for an erasure, whose digest covers the case's entries."""
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
    removed = list(_removed_inputs(json.loads(before).get("provenance", {}), json.loads(now).get("provenance", {})))
    return f"No longer made from {', '.join(removed)}." if removed else None


def _removed_inputs(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    here = {slide.get("slide_digest") for slide in now.get("slides", ())}
    for digest in sorted({slide.get("slide_digest", "") for slide in before.get("slides", ())} - here):
        yield f"the slide with SHA-256 {digest}"
    if before.get("clinical_digest") and not now.get("clinical_digest"):
        yield f"the clinical record with SHA-256 {before['clinical_digest']}"


def covering(hashes: Sequence[str]) -> Sha256:
    """What the entry of an erasure says of the entries that were stripped of the case's id, given their hashes."""
    return digest_of(list(hashes))


def verify(rows: Iterable[AuditRow]) -> ChainReport:
    """Walk the record in the order of `seq`, and stop at the first entry that does not fit.

    Entries of an erased case no longer have their own hash; a later entry of the erasure has to cover exactly them.
    """
    head, count, changed = GENESIS, 0, dict[str, _Changed]()
    for count, row in enumerate(rows, start=1):
        if problem := _chain_problem(row.entry, count, head) or _row_problem(row, changed):
            return ChainReport(count - 1, head, problem)
        if row.entry.hash() != row.kept_hash:
            before = ChainReport(count - 1, head, _changed_sentence(row.entry))
            changed.setdefault(row.entry.case_id, _Changed(before)).hashes.append(row.kept_hash)
        head = row.kept_hash
    first = min((change.before for change in changed.values()), key=lambda report: report.entries, default=None)
    return first or ChainReport(count, head)


@dataclass(frozen=True, slots=True)
class _Changed:
    """Entries under one id that have lost their hash, and no erasure covers yet."""

    before: ChainReport
    """What is to be reported if none ever does."""
    hashes: list[str] = field(default_factory=list)


def _chain_problem(entry: AuditEntry, seq: int, head: str) -> str:
    if entry.seq != seq:
        return f"Entry {seq} is missing; the next one is {entry.seq}."
    if entry.previous != head:
        return f"Entry {seq} does not follow from the entry before it."
    return ""


def _row_problem(row: AuditRow, changed: dict[str, _Changed]) -> str:
    """What is wrong with an intact entry; an erasure settles the changed entries that it covers."""
    entry = row.entry
    if entry.hash() != row.kept_hash:
        return ""
    if entry.why != ERASED:
        return _body_problem(row)
    covered = changed.pop(entry.case_id, None)
    if covered is None or covering(covered.hashes) != entry.score_digest:
        return f"Entry {entry.seq} says that a case was erased, and does not cover the entries that were changed."
    return ""


def _changed_sentence(entry: AuditEntry) -> str:
    return f"Entry {entry.seq} (case {entry.case_id}) was changed after it was written."


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
