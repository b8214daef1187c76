"""Looks after the archive while results runs: removes files that nothing needs, and says how large it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from services.results.archiving import tend
from services.results.database import transaction
from services.results.sql_archive import Archive, totals
from shared import metrics
from shared.times import utc_now


@dataclass(frozen=True)
class TendArchive:
    """Costs two queries where there is nothing to remove."""

    engine: Engine
    archive: Archive
    now: Callable[[], datetime] = utc_now

    def __call__(self) -> None:
        """Look once.

        Raises:
            TransientError: the database or the bucket is down.
        """
        tend(self.engine, self.archive, self.now())
        with transaction(self.engine, write=False) as tx:
            entries, size = totals(tx)
        metrics.ARCHIVED_ENTRIES.set(entries)
        metrics.ARCHIVE_BYTES.set(size)
