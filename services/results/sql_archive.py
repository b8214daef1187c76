"""The archive of the audit record: files in the bucket, of which the database knows names, ranges and cases."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from services.results import archive_file
from services.results.archive_file import ArchiveFile, key_of
from services.results.audit_chain import AuditRow
from services.results.database import insert, wrote
from services.results.errors import BrokenArchiveError
from services.results.schema import ARCHIVED_CASES, ARCHIVES
from shared.blob.port import BlobStore, ObjectChangedError
from shared.units import CaseId, Sha256

WRITING, MOVING, KEPT, REPLACED = "writing", "moving", "kept", "replaced"
"""The triggers allow deletions of entries while their file is `moving`, which no committed row is."""
UNFINISHED_FOR = timedelta(hours=1)
"""A file that is still being written after that time is of a job that was killed."""


@dataclass(frozen=True)
class Archive:
    """Reads and changes the archive within transactions of the database."""

    blobs: BlobStore | None = None
    """None where the database alone is at hand: an archive is then reported as one that cannot be read."""

    def rows(self, tx: Connection, after: int = 0) -> Iterator[AuditRow]:
        """The archived entries behind the entry `after`, in order; files are open while their ranges overlap."""
        opened: list[tuple[int, int, AuditRow, Iterator[AuditRow]]] = []
        files = tx.execute(_kept().where(ARCHIVES.c.last_seq > after).order_by(ARCHIVES.c.first_seq)).all()
        for number, file in enumerate(files):
            yield from _merged(opened, file.first_seq)
            _push(opened, number, (row for row in self._read(file.name) if row.entry.seq > after))
        yield from _merged(opened, None)

    def of_case(self, tx: Connection, case: str) -> list[AuditRow]:
        """The archived entries under the id of a case, or under the digest that replaced it, in order.

        None of files that an erasure of the case could not read.
        """
        names = tx.scalars(_names(case).where(~ARCHIVED_CASES.c.unfinished)).all()
        rows = (row for name in names for row in self._read(name) if row.entry.case_id == case)
        return sorted(rows, key=lambda row: row.entry.seq)

    def hash_at(self, tx: Connection, seq: int) -> str | None:
        """Hash of an archived entry."""
        around = _kept().where(ARCHIVES.c.first_seq <= seq, ARCHIVES.c.last_seq >= seq)
        for file in tx.execute(around).all():
            for row in self._read(file.name):
                if row.entry.seq == seq:
                    return row.kept_hash
        return None

    def strip(self, tx: Connection, case: CaseId, digest: Sha256) -> list[BrokenArchiveError]:
        """Replace the files of a case by files without it; returns the errors of those that cannot be read.

        The files before go with `remove_obsolete`, once the transaction is committed.
        """
        broken = list[BrokenArchiveError]()
        for name in tx.scalars(_names(case)).all():
            row = update(ARCHIVED_CASES).where(ARCHIVED_CASES.c.case_id == case, ARCHIVED_CASES.c.archive == name)
            try:
                rows = self._read_for_erasure(tx, name, digest)
            except BrokenArchiveError as error:
                broken.append(error)
                tx.execute(row.values(unfinished=True))
                continue
            tx.execute(row.values(case_id=digest, unfinished=False))
            self._replace(tx, name, ArchiveFile(name, b"", rows).without(case, digest))
        return broken

    def note(self, tx: Connection, file: ArchiveFile, state: str, at: datetime) -> bool:
        """Note a file and its state; False, and nothing is written, where it is of the archive already."""
        first, last = file.rows[0].entry.seq, file.rows[-1].entry.seq
        values = {"first_seq": first, "last_seq": last, "entries": len(file.rows), "size": len(file.data)}
        row = {"name": file.name, "state": state, "at": at, **values}
        new, is_other = insert(tx, ARCHIVES).values(row), ARCHIVES.c.state != KEPT
        return wrote(tx, new.on_conflict_do_update(index_elements=["name"], set_=row, where=is_other))

    def move(self, tx: Connection, file: ArchiveFile, state: str, to: str) -> bool:
        """Change the state of a file; False where it was removed as that of a killed job."""
        own = ARCHIVES.c.name == file.name, ARCHIVES.c.state == state
        return tx.execute(update(ARCHIVES).where(*own).values(state=to)).rowcount == 1

    def put(self, file: ArchiveFile) -> None:
        """Write a file's object."""
        self._bucket().put(file.key, file.data)

    def obsolete(self, tx: Connection, now: datetime) -> list[str]:
        """Names of files that an erasure replaced, and of those that a killed job left."""
        unfinished = (ARCHIVES.c.state == WRITING) & (ARCHIVES.c.at < now - UNFINISHED_FOR)
        return list(tx.scalars(select(ARCHIVES.c.name).where((ARCHIVES.c.state == REPLACED) | unfinished)))

    def remove(self, tx: Connection, name: str) -> None:
        """Remove a file with every version of it, unless it became one of the archive."""
        if tx.execute(delete(ARCHIVES).where(ARCHIVES.c.name == name, ARCHIVES.c.state != KEPT)).rowcount:
            self._bucket().erase(key_of(name))

    def _replace(self, tx: Connection, before: str, after: ArchiveFile) -> None:
        if after.name == before:
            return
        old = select(ARCHIVES.c.at).where(ARCHIVES.c.name == before)
        self.note(tx, after, KEPT, tx.scalars(old).one())
        self.put(after)
        tx.execute(update(ARCHIVES).where(ARCHIVES.c.name == before).values(state=REPLACED))
        moved = update(ARCHIVED_CASES).where(ARCHIVED_CASES.c.archive == before)
        tx.execute(moved.values(archive=after.name))

    def _read(self, name: str) -> Iterator[AuditRow]:
        """The entries of a file."""
        try:
            data = self._bucket().get(key_of(name))
        except ObjectChangedError as error:
            raise BrokenArchiveError(f"Archive {name} is gone.") from error
        return archive_file.read(name, data)

    def _read_for_erasure(self, tx: Connection, name: str, digest: Sha256) -> tuple[AuditRow, ...]:
        """The entries of a file; where a backup of the bucket has its successor after the erasure, those of it."""
        try:
            return tuple(self._read(name))
        except BrokenArchiveError:
            bucket, key = self._bucket(), key_of(name)
            others = bucket.list(f"{key.rpartition('/')[0]}/") if bucket.head(key) is None else ()
            entries = tx.scalar(select(ARCHIVES.c.entries).where(ARCHIVES.c.name == name))
            for info in others:
                rows = self._readable(archive_file.name_of(info.key))
                if len(rows) == entries and archive_file.is_without(digest, rows):
                    return rows
            raise

    def _readable(self, name: str) -> tuple[AuditRow, ...]:
        """The entries of a file; none where it is broken."""
        try:
            return tuple(self._read(name))
        except BrokenArchiveError:
            return ()

    def _bucket(self) -> BlobStore:
        if self.blobs is None:
            raise BrokenArchiveError("Entries are in the archive, and this program knows no bucket.")
        return self.blobs


def totals(tx: Connection) -> tuple[int, int]:
    """How many entries and bytes the archive has."""
    kept = select(func.coalesce(func.sum(ARCHIVES.c.entries), 0), func.coalesce(func.sum(ARCHIVES.c.size), 0))
    entries, size = tx.execute(kept.where(ARCHIVES.c.state == KEPT)).one()
    return int(entries), int(size)


def unfinished_erasures(tx: Connection) -> Sequence[CaseId]:
    """See ResultStore."""
    cases = select(ARCHIVED_CASES.c.case_id).distinct().where(ARCHIVED_CASES.c.unfinished)
    return [CaseId(case) for case in tx.scalars(cases.order_by(ARCHIVED_CASES.c.case_id))]


def _kept() -> Select[Any]:
    return select(ARCHIVES.c.name, ARCHIVES.c.first_seq).where(ARCHIVES.c.state == KEPT)


def _names(case: str) -> Select[Any]:
    """Files with entries of a case."""
    of_case = select(ARCHIVED_CASES.c.archive).where(ARCHIVED_CASES.c.case_id == case)
    return of_case.order_by(ARCHIVED_CASES.c.archive)


def _push(opened: list[tuple[int, int, AuditRow, Iterator[AuditRow]]], number: int, rows: Iterator[AuditRow]) -> None:
    row = next(rows, None)
    if row is not None:
        heapq.heappush(opened, (row.entry.seq, number, row, rows))


def _merged(opened: list[tuple[int, int, AuditRow, Iterator[AuditRow]]], below: int | None) -> Iterator[AuditRow]:
    """The entries of opened files in order, as long as they are `below`."""
    while opened and (below is None or opened[0][0] < below):
        _, number, row, rest = heapq.heappop(opened)
        yield row
        _push(opened, number, rest)
