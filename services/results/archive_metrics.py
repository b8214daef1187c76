"""Looks after the archive while results runs: removes files that nothing needs, and tells its size in the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from services.results.archive_orphans import note_orphans
from services.results.archiving import remove_obsolete
from services.results.database import transaction
from services.results.sql_archive import Archive, totals
from shared import metrics
from shared.times import utc_now


@dataclass(frozen=True)
class MaintainArchive:
    """Costs a listing of the archive and four queries where there is nothing to remove."""

    engine: Engine
    archive: Archive
    now: Callable[[], datetime] = utc_now

    def __call__(self) -> None:
        """Look once.

        Raises:
            TransientError: the database or the bucket is down.
        """
        if self.archive.blobs:
            note_orphans(self.engine, self.archive.blobs, self.now())
        remove_obsolete(self.engine, self.archive, self.now())
        with transaction(self.engine, write=False) as tx:
            entries, size = totals(tx)
        metrics.ARCHIVED_ENTRIES.set(entries)
        metrics.ARCHIVE_BYTES.set(size)
