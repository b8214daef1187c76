"""Topics of the tiler and their handlers."""

from collections.abc import Sequence
from typing import Any

from services.tiler.on_grids import OnGrids
from services.tiler.on_landing import OnLanding
from shared.bus import s3_events, topics
from shared.erased import drop_erased
from shared.home import Home
from shared.route import Route


def routes(on_landing: OnLanding | OnGrids, home: Home) -> Sequence[Route[Any]]:
    """Events of the objects of `home`, each object by itself, except those of erased cases."""
    landed = Route(
        topics.S3_EVENTS,
        s3_events.decoder(home),
        on_landing,
        on_landing.rejected,
        s3_events.splitter(home),
        s3_events.context,
        may_crash=on_landing.may_crash,
        reported=on_landing.reported,
    )
    return drop_erased((landed,), on_landing.blobs)
