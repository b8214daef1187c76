"""Slides that are planned and have no bag of this encoder, as after a new encoder: requested, the newest ones first.

A request goes to the retry topic of the group as a slide whose first turn is over: new slides pass it by, parts of it
are kept, and replicas share the work. What the tiler remembers of each slide (`landings/`) says what is planned.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import nlargest

from google.protobuf.json_format import ParseDict
from medulla.v1.events_pb2 import SlideTiled

from services.embedder.bag_store import BagFolder, BagState, bag_folder
from services.embedder.handler import takes
from services.embedder.manifest import EncoderManifest
from shared import keys, metrics
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.bus import headers, topics
from shared.bus.events import to_record
from shared.bus.port import Record
from shared.case_walk import ListedCase, walk
from shared.erased import ErasedCases
from shared.errors import TransientError
from shared.incidents import contained
from shared.logs import get
from shared.settled import SettledMarks
from shared.slides.embedded import is_current
from shared.times import when
from shared.units import CaseId

_AT_ONCE = 200
"""Requests that wait at the same time, so that one of a newer slide waits for no more than these."""
_LOST_AFTER = timedelta(days=1)
"""A request that nothing came of for this long is made again: the broker may not keep records for long."""
_log = get(__name__)


@dataclass(frozen=True)
class Backlog:
    """A sweep of the planned slides; follows the listings of outcomes and slides.

    A case whose slides all have a bag, or are to have none, is marked, and looked at again once a slide or an outcome
    of it changes.
    """

    store: BlobStore
    encoder: EncoderManifest
    send: Callable[[Sequence[Record]], object]
    group: str
    planned_before: timedelta = timedelta(hours=1)
    """Slides that were planned less long ago are left to their own event."""

    def __call__(self) -> int:
        """Request slides up to `_AT_ONCE` that wait; returns the number of new requests.

        Raises:
            TransientError: the store or the bus is down; a slide requested twice is embedded once.
        """
        counts: Counter[bool] = Counter()
        newest = nlargest(_AT_ONCE, self._unrequested(counts), key=lambda event: when(event.as_of))
        requested = newest[: max(0, _AT_ONCE - counts[True])]
        metrics.BAGS_MISSING.labels(self.group).set(counts.total())
        for event in requested:
            self.send([self._request(event)])
            self._folder(event).note_request()
        if requested:
            _log.info("embedding planned slides", missing=counts.total(), requested=len(requested))
        return len(requested)

    def _unrequested(self, counts: Counter[bool]) -> Iterator[SlideTiled]:
        """The missing slides that wait for no request; counts all of them by whether they do."""
        since = datetime.now(UTC) - _LOST_AFTER
        for event in self._missing():
            waits = self._folder(event).requested_after(since)
            counts[waits] += 1
            if not waits:
                yield event

    def _missing(self) -> Iterator[SlideTiled]:
        """The planned slides that stand and have no bag of the encoder, and were not refused.

        A case that is erased meanwhile is passed over.
        """
        marks = SettledMarks(self.store, keys.LANDINGS, self.group, self.encoder.digest)
        for case in walk(self.store, keys.SLIDES, keys.LANDINGS):
            outcomes = [info for info in case.below(keys.LANDINGS) if _is_outcome(case.case_id, info.key)]
            if not outcomes or marks.settled(case):
                continue
            before = datetime.now(UTC) - self.planned_before
            ready = [info for info in outcomes if info.last_modified <= before]
            with contained("backlog", TransientError), suppress(ObjectChangedError):
                missing = list(self._missing_of(case, ready))
                yield from missing
                if not missing and len(ready) == len(outcomes):
                    marks.settle(case)

    def _missing_of(self, case: ListedCase, outcomes: Iterable[BlobInfo]) -> Iterator[SlideTiled]:
        events = self._planned(outcomes)
        if not events or ErasedCases(self.store).holds(case.case_id):
            return
        etags = {info.key: info.etag for info in case.below(keys.SLIDES)}
        for event in events:
            if is_current(event.slide, etags) and self._folder(event).state() is BagState.MISSING:
                yield event

    def _planned(self, outcomes: Iterable[BlobInfo]) -> Sequence[SlideTiled]:
        """The last plan of each version of each slide that has the encoder's grid."""
        latest: dict[str, SlideTiled] = {}
        for info in sorted(outcomes, key=lambda info: info.last_modified):
            message = json.loads(self.store.get(info.key))
            if "reason" in message:
                continue
            event = ParseDict(message, SlideTiled(), ignore_unknown_fields=True)
            if takes(self.encoder, event.plan):
                latest[f"{event.slide.slide_id} {event.slide.digest}"] = event
        return list(latest.values())

    def _folder(self, event: SlideTiled) -> BagFolder:
        return bag_folder(self.store, event, self.encoder)

    def _request(self, event: SlideTiled) -> Record:
        record = to_record(event, self.group)
        added = {headers.ORIGIN: f"{topics.SLIDES_TILED}/backlog/0", headers.TURN: "1"}
        return replace(record, topic=topics.retry_topic(self.group), headers={**record.headers, **added})


def _is_outcome(case: CaseId, key: str) -> bool:
    """Whether an object is an outcome of the tiler, and not a name of a slide."""
    return "/" not in key.removeprefix(keys.landings(case))
