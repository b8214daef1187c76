"""Finds cases whose score is no longer made from what stands in the bucket, and asks for new ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from medulla.v1.events_pb2 import CaseRescoreRequested

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_record import CaseRecord
from services.fusion_scorer.standing import LookAtCase
from shared import logs
from shared.blob.port import BlobStore
from shared.bus.events import event_id
from shared.errors import TransientError
from shared.incidents import contained
from shared.slides.embedded import cases_of
from shared.times import stamp
from shared.units import CaseId

_MOST_CASES = 20
"""Cases that are scored again because a slide went that they hold, too: a blank test slide may lie in all of them."""
_NEVER = datetime.fromtimestamp(0, UTC)
_log = logs.get(__name__)


@dataclass(frozen=True)
class CaseChanges:
    """Compares cases with what was seen of them when they were last scored."""

    store: BlobStore
    index: CaseIndex

    def outdated(self, case: CaseId) -> bool:
        """Whether an input was deleted, replaced or put back since the case was last scored."""
        last = CaseRecord(self.store).last(case)
        return last is not None and last.seen != set(LookAtCase(self.store, self.index)(case).seen)

    def requests(self, case: CaseId) -> Iterator[CaseRescoreRequested]:
        """Ask for a score of the case, and of those that hold a slide that it holds or held: their remarks change."""
        last = CaseRecord(self.store).last(case)
        since = "" if last is None else last.revision
        digests = {event.slide.digest for event in self.index.slides(case)}
        for each in sorted({case}.union(*(islice(cases_of(self.store, digest), _MOST_CASES) for digest in digests))):
            cause = "the case changed" if each == case else "a case with the same slide changed"
            yield request(each, f"{case} changed after {since}", last.taken if last else _NEVER, cause)

    def sweep(self, announce: Callable[[CaseRescoreRequested], None]) -> int:
        """Ask for new scores of all cases that are outdated; how many of them there are.

        It costs a few requests a case, and one for each of its slides.
        """
        outdated = 0
        for case in self.index.cases():
            with contained("sweep", TransientError):
                outdated += self._swept(case, announce)
        if outdated:
            _log.info("swept", prefix="cases/", announced=outdated)
        return outdated

    def _swept(self, case: CaseId, announce: Callable[[CaseRescoreRequested], None]) -> bool:
        """Whether the case was outdated."""
        if not self.outdated(case):
            return False
        for event in self.requests(case):
            announce(event)
        return True


def request(case: CaseId, trigger: str, as_of: datetime, cause: str = "") -> CaseRescoreRequested:
    """Ask for a score of a case; the same trigger gives the same event."""
    return CaseRescoreRequested(
        event_id=event_id(CaseRescoreRequested, case, trigger, as_of.isoformat()),
        case_id=case,
        cause=cause or trigger,
        as_of=stamp(as_of),
    )
