"""Events of the embedder: a slide is embedded, refused, or in progress."""

import time
from dataclasses import dataclass, field

from medulla.v1.common_pb2 import Bag, TileLedger
from medulla.v1.events_pb2 import STAGE_EMBEDDING, Progress, SlideEmbedded, SlideRejected, SlideTiled

from services.embedder.bag_store import BagRecord
from services.embedder.manifest import EncoderManifest
from services.embedder.ports import Notify
from shared import keys
from shared.bus.events import event_id
from shared.errors import PermanentError

SERVICE = "embedder"
"""The service, and the consumer group of its only encoder."""


def embedded(event: SlideTiled, bag: BagRecord, encoder: EncoderManifest) -> SlideEmbedded:
    """The event of a finished bag; the same slide and bag give the same bytes."""
    ledger = TileLedger()
    ledger.CopyFrom(event.ledger)
    ledger.ok, ledger.corrupt = bag.tiles, bag.corrupt
    return SlideEmbedded(
        event_id=event_id(SlideEmbedded, event.event_id, encoder.digest),
        slide=event.slide,
        plan=event.plan,
        bag=Bag(
            key=bag.key,
            digest=bag.digest,
            tiles=bag.tiles,
            encoder_digest=encoder.digest,
            encoder_name=encoder.name,
        ),
        ledger=ledger,
        as_of=event.as_of,
    )


def rejected(event: SlideTiled, error: PermanentError, group: str = SERVICE) -> SlideRejected:
    """The event of a slide that a group of embedders refused."""
    return SlideRejected(
        event_id=event_id(SlideRejected, event.event_id, group, error.reason),
        case_id=event.slide.case_id,
        slide_id=event.slide.slide_id,
        object_key=event.slide.object.key,
        service=group,
        reason=error.reason,
        sentence=str(error),
        advice=error.advice,
        thumbnail_key=event.plan.prefix + keys.THUMBNAIL,
        as_of=event.as_of,
        object_etag=event.slide.object.etag,
    )


@dataclass
class Reporter:
    """Reports the progress of one slide: at its start and end, and between them at most every `every_s` seconds."""

    notify: Notify
    event: SlideTiled
    every_s: float
    _last: float = field(default=-float("inf"), init=False)

    def reached(self, tiles: int) -> None:
        """The first `tiles` tiles of the plan are done."""
        total, now = self.event.plan.tiles, time.monotonic()
        if tiles < total and now - self._last < self.every_s:
            return
        self._last = now
        self.notify(self._progress(tiles, total))

    def _progress(self, done: int, total: int) -> Progress:
        progress = Progress(
            event_id=event_id(Progress, self.event.event_id, SERVICE, str(done)),
            case_id=self.event.slide.case_id,
            slide_id=self.event.slide.slide_id,
            stage=STAGE_EMBEDDING,
            done=done,
            total=total,
        )
        progress.at.GetCurrentTime()
        return progress
