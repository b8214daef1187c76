"""Tells people that a case could not be scored, and because of which slide."""

from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp
from medulla.v1.events_pb2 import CaseRescoreRequested, SlideEmbedded, SlideRejected

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.errors import BadSlideError
from shared import keys
from shared.blob.port import BlobStore
from shared.bus.events import event_id
from shared.errors import PermanentError
from shared.keys import BadCaseIdError
from shared.times import stamp, when
from shared.units import CaseId

SERVICE = "fusion_scorer"


@dataclass(frozen=True)
class RefuseScore:
    """Makes the event about a score that cannot be made."""

    store: BlobStore

    def __call__(self, event: CaseRescoreRequested, error: PermanentError) -> SlideRejected | None:
        """Name the slide at fault and its bag, or neither where the case as a whole is meant; None without a case.

        Its time is the newest among what the score would have been made from, as in CaseScored, so that a later score
        of the same or newer inputs clears it; an operator's clock would outlast the repair.
        """
        try:
            case = keys.case_id(event.case_id, "the request")
        except BadCaseIdError:
            return None
        slide = error.slide if isinstance(error, BadSlideError) else SlideEmbedded()
        return SlideRejected(
            event_id=event_id(SlideRejected, event.event_id, SERVICE, error.reason, slide.slide.slide_id),
            case_id=case,
            slide_id=slide.slide.slide_id,
            object_key=slide.bag.key,
            service=SERVICE,
            reason=error.reason,
            sentence=str(error),
            advice=error.advice,
            thumbnail_key=slide.plan.prefix + keys.THUMBNAIL if slide.plan.prefix else "",
            as_of=self._newest(case) or event.as_of,
        )

    def _newest(self, case: CaseId) -> Timestamp | None:
        """When the newest input of the case landed, the pointer to the bundle included."""
        heads = (self.store.head(key) for key in (keys.clinical(case), keys.CURRENT_BUNDLE))
        slides = (when(event.as_of) for event in CaseIndex(self.store).slides(case))
        landed = [*slides, *(info.last_modified for info in heads if info)]
        return stamp(max(landed)) if landed else None
