"""Restores a backup into an empty database and an empty bucket, and erases again what was erased since."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.results.audit_chain import ChainReport
from services.results.sql_store import SqlStore
from services.standalone.backup import erasures, tables
from services.standalone.backup.backup_store import BackupStore
from services.standalone.backup.bucket import RESTORING, Bucket, RestoreObjects
from services.standalone.backup.errors import NotEmptyError
from services.standalone.backup.manifest import Manifest
from shared.canonical import canonical_json
from shared.errors import TransientError
from shared.progress import Advance, silent
from shared.units import Sha256


@dataclass(frozen=True, slots=True)
class Restored:
    """The outcome of a restore."""

    backup: Manifest
    rows: int
    """Of the backup's tables; 0 where the database was left alone."""
    objects: int
    audit: ChainReport
    erased_again: int
    """Cases of the backup that had been erased since."""
    known_until: datetime
    """When the newest backup beside this one began: its erasures are known."""
    unknown_erasures: str = ""
    """Why later requests are not known; empty if they are."""


@dataclass(frozen=True)
class Restore:
    """Restores backups while no service runs."""

    results: SqlStore
    bucket: Bucket
    store: BackupStore
    requested_since: Callable[[datetime], Mapping[Sha256, str]]
    """Digests of the ids of cases whose erasure was requested since a moment, and why."""

    def __call__(
        self, manifest: Manifest, *, database: bool = True, bucket: bool = True, advance: Advance = silent
    ) -> Restored:
        """Restore database, bucket or both; a restore that was stopped goes on with the same backup.

        Raises:
            NotEmptyError: there is something where the backup is to go.
            DamagedBackupError: the backup was altered; neither the database nor the object at hand is written.
            NewerBackupError: a newer program made it.
            TransientError: database, bucket or backup is down.
        """
        to_load = database and not self._is_loaded(manifest)
        if bucket:
            self._begin(manifest)
        again, unknown = self._erased_since(manifest, has_audit=not database)
        objects = self._restore_objects(manifest, again, advance) if bucket else 0
        erased = again.in_bucket(self.bucket) if bucket else 0
        if to_load:
            tables.load_tables(self.results.engine, manifest, self.store)
            self.results.migrate()
        erased = max(erased, again.in_results(self.results, self.bucket))
        audit = self.results.verify_whole_chain()
        self.bucket.delete(RESTORING)
        rows, known_until = manifest.rows if database else 0, self.store.manifest().began
        return Restored(manifest, rows, objects, audit, erased, known_until, unknown)

    def _is_loaded(self, manifest: Manifest) -> bool:
        """Whether this backup was loaded by a restore that was stopped; else its tables are checked first."""
        if tables.is_loaded(self.results.engine, manifest):
            if self._resumed(manifest):
                return True
            raise NotEmptyError("the database is not empty: it holds this backup already")
        for table in manifest.tables:
            for digest in table.parts:
                self.store.packed(digest)
        return False

    def _begin(self, manifest: Manifest) -> None:
        if not self._resumed(manifest):
            RestoreObjects(self.bucket, self.store).check_empty(manifest)
            self.bucket.put(RESTORING, canonical_json({"backup": manifest.name}))

    def _resumed(self, manifest: Manifest) -> bool:
        standing = self.bucket.head(RESTORING)
        return standing is not None and self.bucket.get(RESTORING) == canonical_json({"backup": manifest.name})

    def _restore_objects(self, manifest: Manifest, again: erasures.EraseAgain, advance: Advance) -> int:
        """Mark what was erased since before its objects stand; returns how many objects the backup has."""
        again.mark(self.bucket)
        count = 0
        for count, _ in enumerate(RestoreObjects(self.bucket, self.store)(manifest), 1):
            advance(count, manifest.objects)
        return count

    def _erased_since(self, manifest: Manifest, *, has_audit: bool) -> tuple[erasures.EraseAgain, str]:
        """The cases to erase again, and why those of the bus are missing; `has_audit`: the database was not lost."""
        known, unknown = erasures.in_backups(self.store, manifest) | set(erasures.marked(self.bucket)), ""
        causes = dict.fromkeys(known, "")
        if has_audit:
            causes |= tables.erased_since(self.results.engine, manifest.began)
        try:
            causes |= self.requested_since(manifest.began)
        except TransientError as error:
            unknown = str(error)
        return erasures.EraseAgain(causes), unknown
