"""Finds cases whose score is outdated because the bucket changed, and requests new scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from medulla.v1.events_pb2 import CaseRescoreRequested

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_record import CaseRecord
from services.fusion_scorer.case_sweep import CaseSweep
from services.fusion_scorer.snapshot import TakeSnapshot
from shared import logs
from shared.blob.port import BlobStore
from shared.bus.events import event_id
from shared.slides.embedded import cases_of
from shared.sweep import Failed, ignored
from shared.times import stamp
from shared.units import CaseId

_MOST_CASES = 20
"""Other cases that are scored again because they share a removed slide: a blank test slide may be in all of them."""
_NEVER = datetime.fromtimestamp(0, UTC)
_log = logs.get(__name__)


@dataclass(frozen=True)
class CaseChanges:
    """Compares cases with the objects they were last scored from."""

    store: BlobStore
    index: CaseIndex

    def outdated(self, case: CaseId) -> bool:
        """Whether an input was deleted, replaced or restored since the case was last scored."""
        last = CaseRecord(self.store).last(case)
        return last is not None and last.seen != set(TakeSnapshot(self.store, self.index)(case).seen)

    def requests(self, case: CaseId) -> Iterator[CaseRescoreRequested]:
        """Request scores of the case and of cases that share slides with it, since their remarks change."""
        last = CaseRecord(self.store).last(case)
        since = "" if last is None else last.revision
        digests = {event.slide.digest for event in self.index.slides(case)}
        holders = {case}.union(*(islice(cases_of(self.store, digest), _MOST_CASES) for digest in digests))
        for each in sorted(each for each in holders if each == case or self.index.has_case(each)):
            cause = "the case changed" if each == case else "a case with the same slide changed"
            yield request(each, f"{case} changed after {since}", last.recorded_at if last else _NEVER, cause)

    def sweep(self, announce: Callable[[CaseRescoreRequested], None], failed: Failed = ignored) -> int:
        """Request new scores of all outdated cases; returns their number.

        `failed` gets each case that could not be compared. It follows the listings: a case that changed since the last
        sweep costs a few requests, and one for each of its slides; any other case none.
        """
        outdated = CaseSweep(self.store).outdated(partial(self._swept, announce), failed)
        if outdated:
            _log.info("swept", prefix="cases/", announced=outdated)
        return outdated

    def _swept(self, announce: Callable[[CaseRescoreRequested], None], case: CaseId) -> bool:
        """Whether the case was outdated."""
        if not self.outdated(case):
            return False
        for event in self.requests(case):
            announce(event)
        return True


def request(case: CaseId, trigger: str, as_of: datetime, cause: str = "") -> CaseRescoreRequested:
    """Request a score of a case; the same trigger gives the same event."""
    return CaseRescoreRequested(
        event_id=event_id(CaseRescoreRequested, case, trigger, as_of.isoformat()),
        case_id=case,
        cause=cause or trigger,
        as_of=stamp(as_of),
    )
