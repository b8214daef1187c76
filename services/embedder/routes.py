"""Topics of the embedder and their handlers."""

from collections.abc import Iterable, Sequence
from typing import Any

from medulla.v1.events_pb2 import SlideEmbedded, SlideTiled

from services.embedder.events import SERVICE, rejected
from services.embedder.handler import EmbedSlide
from shared import metrics
from shared.bus import topics
from shared.bus.events import decoder
from shared.erased import drop_erased
from shared.worker import Route


def routes(embed: EmbedSlide) -> Sequence[Route[Any]]:
    """Planned slides, except those of erased cases."""

    def handle(event: SlideTiled) -> Iterable[SlideEmbedded]:
        with metrics.SLIDES_IN_FLIGHT.labels(SERVICE).track_inprogress():
            return [embed(event)]

    return drop_erased((Route(topics.SLIDES_TILED, decoder(SlideTiled), handle, rejected),), embed.store)
