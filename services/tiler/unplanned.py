"""Finds slides without an outcome, for the sweep of `slides/`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.tiler.landings import Landings, is_done
from services.tiler.planner import PLANNER_VERSION
from services.tiler.resolution import MppTable
from shared import keys
from shared.blob.port import BlobInfo, BlobStore
from shared.canonical import digest_of
from shared.case_walk import ListedCase, walk
from shared.errors import TransientError
from shared.incidents import contained
from shared.settled import SettledMarks
from shared.slides.listing import SlideListing
from shared.sweep import Failed, ignored


@dataclass(frozen=True)
class Unplanned:
    """Finds the first file of each slide without an outcome; follows the listings of slides and outcomes.

    A case whose slides all have an outcome is marked, and looked at again once a file or an outcome of it changes.
    """

    store: BlobStore
    listing: SlideListing
    landings: Sequence[Landings]
    """One for each grid."""
    mpp: MppTable

    def __call__(self, failed: Failed = ignored) -> Iterator[BlobInfo]:
        """The files, in order of their cases; a case that cannot be checked stops no other."""
        for case in walk(self.store, keys.SLIDES, keys.LANDINGS):
            if keys.SLIDES not in case.objects or self._marks.settled(case):
                continue
            with contained("sweep", TransientError):
                yield from self._of_case(case)
                continue
            failed(keys.slides(case.case_id))

    @cached_property
    def _marks(self) -> SettledMarks:
        specs = [grid.spec.model_dump(mode="json") for grid in self.landings]
        table = list(self.mpp.slides.items()), self.mpp.default
        return SettledMarks(self.store, keys.LANDINGS, "tiler", digest_of([PLANNER_VERSION, specs, table]))

    def _of_case(self, case: ListedCase) -> Sequence[BlobInfo]:
        slides = self.listing.slides(case.below(keys.SLIDES), keys.slides(case.case_id))
        unplanned = [
            slide.files[0]
            for slide in slides
            if not is_done(self.landings, slide, self.mpp.of(case.case_id, slide.slide_id))
        ]
        if slides and not unplanned:
            self._marks.settle(case)
        return unplanned
