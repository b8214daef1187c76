"""What a backup holds: its tables, its objects and the audit record's head, without any secret."""

from datetime import datetime

from pydantic import ValidationError

from services.standalone.backup.errors import DamagedBackupError
from shared.canonical import sha256
from shared.settings import Section
from shared.units import Sha256


class TableCopy(Section):
    """Rows of a table, in PostgreSQL's text format of COPY, compressed."""

    name: str
    columns: tuple[str, ...]
    rows: int
    parts: tuple[Sha256, ...]


class ObjectCopy(Section):
    """One version of an object of the bucket."""

    key: str
    etag: str
    size: int
    """Bytes."""
    parts: tuple[Sha256, ...]


class Manifest(Section):
    """One backup."""

    name: str
    """The moment at which it began, such as 20270301T020000.000000Z: names sort by age."""
    program: str
    """Version of Medulla that made it."""
    began: datetime
    """Aware; the database stands as it was then, or a moment later."""
    schema_revision: str
    """Newest migration of the database."""
    tables: tuple[TableCopy, ...]
    audit_entries: int
    audit_head: str
    """Hash of the last audit entry; empty without any."""
    without: tuple[str, ...]
    """Folders of the bucket that were left out."""
    objects: int
    object_bytes: int
    index: tuple[Sha256, ...]
    """Parts with an ObjectCopy a line, in the order of keys."""
    erased: tuple[Sha256, ...]
    """Digests of the ids of the cases that had been erased when it ended."""

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


def to_bytes(manifest: Manifest) -> bytes:
    """The manifest as JSON, below a line with the digest of that."""
    text = manifest.model_dump_json(indent=1).encode()
    return f"{sha256(text)}\n".encode() + text


def from_bytes(data: bytes, name: str) -> Manifest:
    """Read a manifest.

    Raises:
        DamagedBackupError: its bytes are not those that were stored.
    """
    digest, _, text = data.partition(b"\n")
    if sha256(text).encode() != digest:
        raise DamagedBackupError(f"the manifest of backup {name} was altered")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise DamagedBackupError(f"the manifest of backup {name} cannot be read by this program") from error
