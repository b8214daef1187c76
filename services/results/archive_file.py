"""Audit entries with their scores as a file of the archive: JSON lines, compressed; equal entries give equal bytes."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Self

from services.results.audit_chain import AuditEntry, AuditRow
from services.results.errors import BrokenArchiveError
from shared import keys
from shared.canonical import canonical_json, sha256
from shared.units import Sha256

_LEVEL = 6
_DIGEST = re.compile("[0-9a-f]{64}")
_TIMES = ("as_of", "recorded_at")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file of the archive, named after its entries and the digest of its bytes."""

    name: str
    data: bytes
    rows: Sequence[AuditRow]
    """In the order of `seq`."""

    @classmethod
    def of(cls, rows: Sequence[AuditRow]) -> Self:
        """A file of these entries."""
        data = _pack(rows)
        name = f"{rows[0].entry.seq:012d}-{rows[-1].entry.seq:012d}/{sha256(data)}"
        return cls(name, data, rows)

    @property
    def key(self) -> str:
        """Of its object."""
        return key_of(self.name)

    def without(self, case: str, digest: Sha256) -> "ArchiveFile":
        """The file after an erasure: entries of the case have its digest for an id, and no score."""
        return ArchiveFile.of([_stripped(row, digest) if row.entry.case_id == case else row for row in self.rows])


def key_of(name: str) -> str:
    """Key of the object of a name."""
    return f"{keys.ARCHIVE}{name}.jsonl.gz"


def name_of(key: str) -> str:
    """Name of the file that an object is."""
    return key.removeprefix(keys.ARCHIVE).removesuffix(".jsonl.gz")


def read(name: str, data: bytes) -> Iterator[AuditRow]:
    """The entries of a file, one at a time.

    Raises:
        BrokenArchiveError: its bytes are not those that its name states.
    """
    if sha256(data) != name.rpartition("/")[2]:
        raise BrokenArchiveError(f"Archive {name} was changed after it was written.")
    try:
        with gzip.open(io.BytesIO(data)) as lines:
            yield from map(_row, lines)
    except (EOFError, OSError, zlib.error, ValueError, TypeError) as error:
        raise BrokenArchiveError(f"Archive {name} cannot be read.") from error


def is_without(digest: Sha256, rows: Sequence[AuditRow]) -> bool:
    """Whether these are the entries of a file after an erasure: some have the digest, the others match their hash."""
    return any(row.entry.case_id == digest for row in rows) and all(map(_is_erased_or_intact, rows))


def _is_erased_or_intact(row: AuditRow) -> bool:
    if row.body is None:
        return _DIGEST.fullmatch(row.entry.case_id) is not None
    return row.entry.hash() == row.kept_hash and sha256(row.body.encode()) == row.entry.score_digest


def _pack(rows: Iterable[AuditRow]) -> bytes:
    return gzip.compress(b"".join(canonical_json(_fields(row)) + b"\n" for row in rows), _LEVEL, mtime=0)


def _fields(row: AuditRow) -> dict[str, object]:
    times = {name: getattr(row.entry, name).isoformat() for name in _TIMES}
    return asdict(row.entry) | times | {"hash": row.kept_hash, "body": row.body, "site": row.site}


def _row(line: bytes) -> AuditRow:
    fields = json.loads(line)
    kept_hash, body, site = fields.pop("hash"), fields.pop("body"), fields.pop("site")
    times = {name: datetime.fromisoformat(fields[name]) for name in _TIMES}
    return AuditRow(AuditEntry(**fields | times), kept_hash, body, site)


def _stripped(row: AuditRow, digest: Sha256) -> AuditRow:
    return AuditRow(replace(row.entry, case_id=digest), row.kept_hash, None)
