"""Topics of the embedder and their handlers."""

from collections.abc import Iterable, Sequence
from typing import Any

from medulla.v1.events_pb2 import SlideEmbedded, SlideRejected, SlideTiled

from services.embedder.bag_store import bag_folder
from services.embedder.events import SERVICE, rejected
from services.embedder.handler import EmbedSlide, takes
from shared import metrics
from shared.blob.port import ObjectChangedError
from shared.bus import topics
from shared.bus.events import decoder
from shared.erased import drop_erased
from shared.errors import PermanentError
from shared.logs import get
from shared.route import Route
from shared.slides.embedded import files
from shared.slides.standing import change_of

_log = get(__name__)


def routes(embed: EmbedSlide, group: str = SERVICE, *, passes_grids: bool = False) -> Sequence[Route[Any]]:
    """Planned slides, except those of erased cases; the event of a version that is gone is no dead letter.

    With `passes_grids` plans of grids that the encoder does not take are passed over, as another group embeds them.
    """

    def refuse(event: SlideTiled, error: PermanentError) -> SlideRejected:
        bag_folder(embed.store, event, embed.encoder.manifest).refuse(error)
        return rejected(event, error, group)

    def handle(event: SlideTiled) -> Iterable[SlideEmbedded | SlideRejected]:
        if passes_grids and not takes(embed.encoder.manifest, event.plan):
            metrics.PLANS_PASSED_OVER.labels(group).inc()
            return []
        try:
            with metrics.SLIDES_IN_FLIGHT.labels(SERVICE).track_inprogress():
                return [embed(event)]
        except ObjectChangedError as error:
            versions = {file.key: file.etag for file in files(event.slide)}
            if not change_of(embed.store, event.slide.case_id, versions):
                raise
            _log.info("the slide was replaced or deleted")
            return [rejected(event, error, group)]

    return drop_erased((Route(topics.SLIDES_TILED, decoder(SlideTiled), handle, refuse),), embed.store)
