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
            due = [case for case in idle if not self._has_landed_since(case.case_id, before)]
            newer = done.newer_in_bucket + len(idle) - len(due)
            if self.producer:
                due = due[: self.at_most - done.requested]
                self.producer.send([to_record(_request(case), _SOURCE) for case in due])
                _log.info("requested erasures", cases=len(due))
            requested = done.requested + (len(due) if self.producer else 0)
            done = Retained(done.due + len(due), requested, newer, requested == self.at_most)
            if done.limit_reached:
                break
        return done

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

    def _has_landed_since(self, case: CaseId, before: datetime) -> bool:
        """Whether the bucket has a newer input, whose event may wait or be lost."""
        record = self.blobs.head(keys.clinical(case))
        landed = chain(*map(self.blobs.list, (keys.slides(case), keys.vectors(case))), [record] if record else [])
        return any(info.last_modified >= before for info in landed)


def _request(case: DatedCase) -> CaseEraseRequested:
    """The same request for a case until it changes."""
    return erased.request(case.case_id, erased.RETENTION, case.updated_at.isoformat())
