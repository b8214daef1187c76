"""Makes a backup: the database as it stands at one moment, then the bucket."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from services.results import migrate, sql_audit
from services.results.sql_archive import Archive
from services.standalone.backup.backup_store import BackupStore
from services.standalone.backup.bucket import Bucket, CopyObjects, lasting
from services.standalone.backup.erasures import marked
from services.standalone.backup.errors import LostSinceError
from services.standalone.backup.manifest import Manifest, ObjectCopy
from services.standalone.backup.tables import audit_head, copy_tables, snapshot
from shared.program import program_version
from shared.times import utc_now
from shared.units import Sha256

_NAME = "%Y%m%dT%H%M%S.%fZ"


@dataclass
class _Index:
    """The index of the bucket while it is written."""

    not_compared: Sequence[str] = ()
    """Folders that the backup before left out."""
    parts: list[Sha256] = field(default_factory=list)
    objects: int = 0
    object_bytes: int = 0
    lasting: int = 0
    """Objects that are lost with the bucket: see `lasting`."""

    def fill(self, store: BackupStore, copies: Iterable[ObjectCopy]) -> None:
        for part, batch in store.put_index(copies):
            self.parts.append(part)
            self.objects += len(batch)
            self.object_bytes += sum(each.size for each in batch)
            self.lasting += lasting(batch, self.not_compared)


@dataclass(frozen=True)
class MakeBackup:
    """Stores database and bucket while the services run.

    The database comes first: an object stands before the row that names it, and only an erasure removes it. Cases that
    are erased while the bucket is read are among those that a restore erases again, since markers are read last.
    """

    engine: Engine
    bucket: Bucket
    store: BackupStore

    def __call__(self, without: Sequence[str] = ()) -> Manifest:
        """Make a backup, without some folders of the bucket; one that is stopped leaves no trace that counts.

        Raises:
            LostSinceError: the database or most of the bucket was lost: no backup of the rest becomes the newest.
            UnsuitableTargetError: the database is not PostgreSQL.
            TransientError: database, bucket or target is down.
        """
        began, before = utc_now(), self._newest()
        with snapshot(self.engine) as tx:
            revision, (entries, head) = migrate.revision(tx), audit_head(tx)
            _check_audit(tx, entries, before, Archive(self.bucket))
            tables = copy_tables(tx, self.store)
        index = _Index(before.without if before else ())
        earlier = self.store.index(before) if before else ()
        index.fill(self.store, CopyObjects(self.bucket, self.store)(earlier, without))
        self._check_objects(index.lasting, before, without)
        manifest = Manifest(
            name=began.strftime(_NAME),
            program=program_version(),
            began=began,
            schema_revision=revision,
            tables=tables,
            audit_entries=entries,
            audit_head=head,
            without=tuple(sorted(without)),
            objects=index.objects,
            object_bytes=index.object_bytes,
            index=tuple(index.parts),
            erased=marked(self.bucket),
        )
        self.store.finish(manifest)
        return manifest

    def _newest(self) -> Manifest | None:
        """The newest backup, whose parts need not be stored again; None without any."""
        return self.store.manifest() if self.store.names() else None

    def _check_objects(self, objects: int, before: Manifest | None, without: Sequence[str]) -> None:
        """Fewer than half of the objects are left only where the bucket was lost; folders left out do not count."""
        earlier = lasting(self.store.index(before), without) if before else 0
        if before and 2 * objects < earlier:
            lost = f"backup {before.name} has {earlier} of these: more than half were lost"
            raise LostSinceError(f"the bucket has {objects} objects that services do not write anew, and {lost}")


def _check_audit(tx: Connection, entries: int, before: Manifest | None, archive: Archive) -> None:
    """The audit record only grows."""
    if before is None or not before.audit_entries:
        return
    if entries < before.audit_entries:
        earlier = f"backup {before.name} has {before.audit_entries}"
        raise LostSinceError(f"the database has {entries} audit entries, and {earlier}: it was lost or replaced")
    if sql_audit.hash_at(tx, before.audit_entries, archive) != before.audit_head:
        entry = f"audit entry {before.audit_entries} of the database"
        raise LostSinceError(f"{entry} is not that of backup {before.name}: the database was replaced")
