"""The audit record: each entry holds the hash of the previous one, so that changed or missing entries are detected."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from shared.canonical import digest_of, sha256
from shared.erased import RETENTION
from shared.units import Sha256

ERASED = "The case was erased; of its entries digests are left."
"""Text of an erasure's entry."""
EXPIRED = "The retention of cases erased it; of its entries digests are left."
"""Text of the entry where a job asked for the erasure."""
ERASURES = (ERASED, EXPIRED)
GENESIS = "0" * 64
"""Previous hash of the first entry."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One score, withdrawal, note or erasure, as it was recorded."""

    seq: int
    """1, 2, 3, …, without a gap."""
    case_id: str
    score_id: str
    """Empty for all but scores. The digest is the score's or the note's; empty for a withdrawal; of an erasure that of
    the case's entries."""
    score_digest: str
    as_of: datetime
    event_id: str
    """Of the event, the note or the erasure; of the same event after an erasure of the case a digest of it."""
    recorded_at: datetime
    previous: str
    """Hash of entry `seq - 1`, or GENESIS."""
    why: str | None = None
    """Why a case was withdrawn, which inputs its score no longer has, or that it is a note; it names only digests."""

    @property
    def is_note(self) -> bool:
        """Whether a person noted something."""
        return not self.score_id and bool(self.score_digest) and self.why not in ERASURES

    def hash(self) -> str:
        """Lower-case hex SHA-256 over the canonical JSON of all fields, times in UTC with microseconds.

        An entry without `why` is hashed without that field, as older programs did.
        """
        fields = asdict(self) | {"as_of": _stamp(self.as_of), "recorded_at": _stamp(self.recorded_at)}
        return digest_of({name: value for name, value in fields.items() if (name, value) != ("why", None)})


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry in the database, with its stored hash and the score or note that it records."""

    entry: AuditEntry
    kept_hash: str
    body: str | None
    """None if it is missing."""
    site: str | None = None
    """Of the score."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Result of verifying the record; a `head` noted elsewhere shows whether the newest entries still exist."""

    entries: int
    head: str
    problem: str = ""
    """The first problem, as a sentence; empty if there is none."""
    checkpoint: int = 0
    """How many of the entries were verified earlier, by a signed checkpoint; 0 if there is none."""
    unverified: int = 0
    """How many entries behind the checkpoint were not verified: with a key the latest, which later requests go on
    with, without one the first; 0 if none was left out."""

    @property
    def intact(self) -> bool:
        """Whether the record has no problem."""
        return not self.problem


def no_longer_from(before: str, now: str) -> str | None:
    """A sentence on inputs of the score `before` that the score `now` lacks, both as JSON; None without any."""
    removed = list(_removed_inputs(json.loads(before).get("provenance", {}), json.loads(now).get("provenance", {})))
    return f"No longer made from {', '.join(removed)}." if removed else None


def _removed_inputs(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    here = {slide.get("slide_digest") for slide in now.get("slides", ())}
    for digest in sorted({slide.get("slide_digest", "") for slide in before.get("slides", ())} - here):
        yield f"the slide with SHA-256 {digest}"
    if before.get("clinical_digest") and not now.get("clinical_digest"):
        yield f"the clinical record with SHA-256 {before['clinical_digest']}"
    blocks = {vector.get("block") for vector in now.get("vectors", ())}
    for vector in before.get("vectors", ()):
        if vector.get("block") not in blocks:
            yield f"the vector {vector.get('block', '')} with SHA-256 {vector.get('digest', '')}"


def erasure_text(cause: str) -> str:
    """Text of the entry of an erasure, from the cause of its request."""
    return EXPIRED if cause == RETENTION else ERASED


def covering(hashes: Sequence[str]) -> Sha256:
    """Digest in the entry of an erasure, from the hashes of the entries that lost the case's id."""
    return digest_of(list(hashes))


def uncovered(rows: Iterable[AuditRow]) -> list[str]:
    """Hashes of the entries under one id that do not match them, and that no erasure among `rows` covers."""
    hashes: list[str] = []
    for row in rows:
        if row.entry.hash() != row.kept_hash:
            hashes.append(row.kept_hash)
        elif row.entry.why in ERASURES:
            hashes.clear()
    return hashes


@dataclass(frozen=True, slots=True)
class Verified:
    """The first entries of the record, which were verified earlier."""

    entries: int = 0
    head: str = GENESIS
    changed: Callable[[str], list[str]] = lambda _: []
    """Those of them under an id that were changed since, as by an erasure: `uncovered`."""


_FROM_THE_FIRST = Verified()


class _Changes:
    """Entries that do not match their hash and are not covered by an erasure yet, by their id."""

    def __init__(self, earlier: Verified) -> None:
        self._earlier = earlier
        self._erased: set[str] = set()
        self._hashes: defaultdict[str, list[str]] = defaultdict(list)
        self._before: dict[str, ChainReport] = {}

    def add(self, row: AuditRow, before: ChainReport) -> None:
        """Note a changed entry; `before` is the report if no erasure covers it."""
        self._before.setdefault(row.entry.case_id, before)
        self._hashes[row.entry.case_id].append(row.kept_hash)

    def cover(self, name: str) -> Sha256:
        """The digest by which an erasure covers the changed entries of an id, which are no problem then."""
        earlier = () if name in self._erased else self._earlier.changed(name)
        self._erased.add(name)
        self._before.pop(name, None)
        return covering([*earlier, *self._hashes.pop(name, ())])

    def first(self, covered_later: Callable[[str], bool]) -> ChainReport | None:
        """The report on the first entry that is not covered; None if there is none."""
        reports = (report for name, report in self._before.items() if not covered_later(name))
        return min(reports, key=lambda report: report.entries, default=None)


def _never(_: str) -> bool:
    return False


def verify(
    rows: Iterable[AuditRow], earlier: Verified = _FROM_THE_FIRST, covered_later: Callable[[str], bool] = _never
) -> ChainReport:
    """Verify the record behind what was verified earlier, in the order of `seq`, up to the first problem.

    Entries of an erased case no longer match their hash; a later entry of the erasure must cover exactly them. Where
    the record goes on behind `rows`, `covered_later` says whether one follows for an id; whether it covers exactly
    them is verified with that entry.
    """
    head, count, changed = earlier.head, earlier.entries, _Changes(earlier)
    for count, row in enumerate(rows, start=earlier.entries + 1):
        if problem := _chain_problem(row.entry, count, head) or _row_problem(row, changed):
            return ChainReport(count - 1, head, problem, earlier.entries)
        if row.entry.hash() != row.kept_hash:
            changed.add(row, ChainReport(count - 1, head, _changed_sentence(row.entry), earlier.entries))
        head = row.kept_hash
    return changed.first(covered_later) or ChainReport(count, head, checkpoint=earlier.entries)


def _chain_problem(entry: AuditEntry, seq: int, head: str) -> str:
    if entry.seq != seq:
        return f"Entry {seq} is missing; the next one is {entry.seq}."
    if entry.previous != head:
        return f"Entry {seq} does not follow from the entry before it."
    return ""


def _row_problem(row: AuditRow, changes: _Changes) -> str:
    """The problem of an intact entry; an erasure covers entries among the changed ones."""
    entry = row.entry
    if entry.hash() != row.kept_hash:
        return ""
    if entry.why not in ERASURES:
        return _body_problem(row)
    if changes.cover(entry.case_id) != entry.score_digest:
        return f"Entry {entry.seq} says that a case was erased, and does not cover the entries that were changed."
    return ""


def _changed_sentence(entry: AuditEntry) -> str:
    return f"Entry {entry.seq} (case {entry.case_id}) was changed after it was written."


def _body_problem(row: AuditRow) -> str:
    entry = row.entry
    if not entry.score_digest:
        return ""
    subject = f"Score {entry.score_id}" if entry.score_id else f"Note {entry.event_id}"
    if row.body is None:
        return f"{subject} of case {entry.case_id} (entry {entry.seq}) is gone."
    if sha256(row.body.encode()) != entry.score_digest:
        return f"{subject} of case {entry.case_id} (entry {entry.seq}) was changed after it was written."
    return ""


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")
