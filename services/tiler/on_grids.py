"""A slide that landed gets a plan of each grid, where encoders of several grids embed it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from services.tiler.errors import SlideError
from services.tiler.on_landing import OnLanding
from shared.blob.port import BlobStore
from shared.bus.s3_events import ObjectHint
from shared.errors import PermanentError


@dataclass(frozen=True)
class OnGrids:
    """`OnLanding` for several grids, the first one first; a slide that it refuses gets no further plan."""

    grids: Sequence[OnLanding]

    @property
    def blobs(self) -> BlobStore:
        """The store of all of them."""
        return self.grids[0].blobs

    def __call__(self, hint: ObjectHint) -> Iterable[SlideTiled | SlideRejected]:
        """Plan the slide of the object by each grid, or repeat the stored outcomes.

        What a further grid refuses is no dead letter, since the slide has a plan.

        Raises:
            PermanentError: the first grid refuses the slide.
            UnsettledSlideError: more files of the slide may still come.
        """
        first, *further = self.grids
        events = list(first(hint))
        if all(isinstance(event, SlideTiled) for event in events):
            for on_landing in further:
                events += _planned(on_landing, hint)
        return events

    def may_crash(self, hint: ObjectHint) -> bool:
        """Whether the slide of an object is decoded by any of them."""
        return any(on_landing.may_crash(hint) for on_landing in self.grids)

    def rejected(self, hint: ObjectHint, error: PermanentError) -> SlideRejected | None:
        """The event of a refusal, by the first grid without a plan, which was at work."""
        at_work = (on_landing for on_landing in self.grids if not on_landing.is_planned(hint))
        return next(at_work, self.grids[0]).rejected(hint, error)

    def reported(self, refusal: SlideRejected) -> None:
        """Store a refusal that has its dead letter, by the grid that refused."""
        for on_landing in self.grids:
            on_landing.reported(refusal)


def _planned(on_landing: OnLanding, hint: ObjectHint) -> Iterable[SlideTiled | SlideRejected]:
    try:
        return on_landing(hint)
    except SlideError as error:
        refusal = on_landing.rejected(hint, error)
        if refusal is None:
            return []
        on_landing.reported(refusal)
        return [refusal]
