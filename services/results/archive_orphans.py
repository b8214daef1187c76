"""Objects below archive/ of which the database has no name, as after a restore of an older database."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select

from services.results.archive_file import name_of
from services.results.database import insert, transaction
from services.results.schema import ARCHIVES, AUDIT
from services.results.sql_archive import REPLACED, UNFINISHED_FOR
from shared import keys
from shared.blob.port import BlobInfo, BlobStore

_NAME = re.compile(r"(\d{12})-(\d{12})/[0-9a-f]{64}")


def note_orphans(engine: Engine, bucket: BlobStore, now: datetime) -> None:
    """Note objects without a name as files that are to be removed; none that is younger than an hour.

    They stay where they may be needed: behind the last entry of the record, whose database is then the wrong one,
    and beside a file that is gone, whose successor they may be.
    """
    objects = list(bucket.list(keys.ARCHIVE))
    with transaction(engine, write=False) as tx:
        names, last = set(tx.scalars(select(ARCHIVES.c.name))), tx.scalar(select(func.max(AUDIT.c.seq))) or 0
    old = [info for info in objects if info.last_modified < now - UNFINISHED_FOR]
    gone = {name.partition("/")[0] for name in names.difference(name_of(info.key) for info in objects)}
    orphans = [row for row in _rows(old, now) if row["name"] not in names and row["last_seq"] <= last]
    if removable := [row for row in orphans if row["name"].partition("/")[0] not in gone]:
        with transaction(engine, write=True) as tx:
            tx.execute(insert(tx, ARCHIVES).values(removable).on_conflict_do_nothing())


def _rows(objects: list[BlobInfo], now: datetime) -> Iterator[dict[str, Any]]:
    """Rows of objects whose keys are those of files of the archive."""
    for info in objects:
        if match := _NAME.fullmatch(name := name_of(info.key)):
            first, last = map(int, match.groups())
            values = {"first_seq": first, "last_seq": last, "entries": 0, "size": info.size}
            yield {"name": name, "state": REPLACED, "at": now, **values}
