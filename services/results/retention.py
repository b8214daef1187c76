"""Requests the erasure of cases without activity for a number of days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from medulla.v1.events_pb2 import CaseEraseRequested
from sqlalchemy import Engine

from services.results import sql_retention
from services.results.database import transaction
from services.results.sql_retention import DatedCase
from shared import erased, keys, logs
from shared.blob.port import BlobStore
from shared.bus.events import to_record
from shared.bus.port import Producer
from shared.times import stamp
from shared.units import CaseId

PAGE = 100
"""Cases that are looked up, and requests that are sent, at a time."""
_SOURCE = "results"
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Retained:
    """What a run did."""

    due: int = 0
    """Cases to be erased."""
    requested: int = 0
    """Those of them whose erasure was requested; none in a dry run."""
    newer_in_bucket: int = 0
    """Cases that are kept for an object in the bucket that is newer than what the database has of them."""
    limit_reached: bool = False
    """Whether the next run goes on with more."""


@dataclass(frozen=True)
class RetainCases:
    """Requests the erasure of cases that are known to results and had no activity since a time, the oldest first.

    Activity is an input that landed, a refusal, progress, and a score, a withdrawal or a note that was recorded;
    looking at a case is none. A run that is killed leaves the rest to the next one. Without a producer it counts.
    """

    engine: Engine
    blobs: BlobStore
    producer: Producer | None
    at_most: int
    """Requests of one run."""
    at_once: int = PAGE

    def __call__(self, before: datetime) -> Retained:
        """Request the erasure of cases without activity since `before`.

        Raises:
            TransientError: the database, the bucket or the bus is down.
        """
        done = Retained()
        for idle in self._idle(before):
            due = [case for case in idle if not has_landed_since(self.blobs, case.case_id, before)]
            left = self.at_most - done.requested if self.producer else len(due)
            sent = self._request(due[:left], before)
            newer = done.newer_in_bucket + len(idle) - len(due)
            done = Retained(done.due + len(due[:left]), done.requested + sent, newer, len(due) > left)
            if done.limit_reached:
                break
        return done

    def _request(self, due: Sequence[DatedCase], before: datetime) -> int:
        """Request their erasure, and return of how many; none in a dry run."""
        if not self.producer or not due:
            return 0
        self.producer.send([to_record(_request(case, before), _SOURCE) for case in due])
        _log.info("requested erasures", cases=len(due))
        return len(due)

    def _idle(self, before: datetime) -> Iterator[Sequence[DatedCase]]:
        """Pages of cases of which the database has nothing newer."""
        after: DatedCase | None = None
        while True:
            with transaction(self.engine, write=False) as tx:
                page = sql_retention.page(tx, before, self.at_once, after)
            if not page:
                return
            after = page[-1]
            yield [case for case in page if not case.recorded_since]


def has_landed_since(blobs: BlobStore, case: CaseId, since: datetime) -> bool:
    """Whether the bucket has a newer input of a case, whose event may wait or be lost."""
    record = blobs.head(keys.clinical(case))
    landed = chain(*map(blobs.list, (keys.slides(case), keys.vectors(case))), [record] if record else [])
    return any(info.last_modified >= since for info in landed)


def _request(case: DatedCase, idle_since: datetime) -> CaseEraseRequested:
    """A request that ends where the case has changed; with the same id until it does."""
    event = erased.request(case.case_id, erased.RETENTION, case.updated_at.isoformat())
    event.idle_since.CopyFrom(stamp(idle_since))
    return event
