"""Finds slides without an outcome, for the sweep of `slides/`."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.tiler.landings import Landings, is_done
from services.tiler.on_landing import case_of
from services.tiler.resolution import MppTable
from shared import keys
from shared.blob.port import BlobInfo
from shared.keys import BadCaseIdError
from shared.slides.listing import SlideListing
from shared.units import CaseId


@dataclass
class Unplanned:
    """Selects objects, given in key order, whose slide has no outcome yet; a case's objects are checked together."""

    listing: SlideListing
    landings: Sequence[Landings]
    """One for each grid."""
    mpp: MppTable
    _case: CaseId | None = None
    _last: str = ""
    _unplanned: frozenset[str] = frozenset()

    def __call__(self, info: BlobInfo) -> bool:
        """Whether the object is to be announced."""
        try:
            case = case_of(info.key)
        except BadCaseIdError:
            return False
        if case is None:
            return False
        if case != self._case or info.key <= self._last:
            self._case, self._unplanned = case, self._of_case(case)
        self._last = info.key
        return info.key in self._unplanned

    def _of_case(self, case: CaseId) -> frozenset[str]:
        slides = self.listing.of_case(keys.slides(case))
        with_outcome = (is_done(self.landings, slide, self.mpp.of(case, slide.slide_id)) for slide in slides)
        return frozenset(slide.files[0].key for slide, done in zip(slides, with_outcome, strict=True) if not done)
