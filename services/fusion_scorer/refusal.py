"""Tells people that a case could not be scored, and because of which slide."""

from dataclasses import dataclass

from medulla.v1.events_pb2 import CaseRescoreRequested, SlideEmbedded, SlideRejected

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_record import CaseRecord
from services.fusion_scorer.errors import BadSlideError
from services.fusion_scorer.snapshot import TakeSnapshot
from shared import keys
from shared.blob.port import BlobStore
from shared.bus.events import event_id
from shared.canonical import digest_of
from shared.errors import PermanentError
from shared.keys import BadCaseIdError
from shared.times import stamp, time_of, when
from shared.units import CaseId

SERVICE = "fusion_scorer"


@dataclass(frozen=True)
class RefuseScore:
    """Makes the event about a score that cannot be made."""

    store: BlobStore

    def __call__(self, event: CaseRescoreRequested, error: PermanentError) -> SlideRejected | None:
        """Name the slide at fault and its bag, or neither where the case as a whole is meant; None without a case.

        The refusal takes a place in the case's record, which is what its `object_etag` says: a score of a later place
        clears it.
        """
        try:
            case = keys.case_id(event.case_id, "the request")
        except BadCaseIdError:
            return None
        slide = error.slide if isinstance(error, BadSlideError) else SlideEmbedded()
        revision = self._place(case, event, error)
        return SlideRejected(
            event_id=event_id(SlideRejected, case, SERVICE, error.reason, revision),
            case_id=case,
            slide_id=slide.slide.slide_id,
            object_key=slide.bag.key,
            service=SERVICE,
            reason=error.reason,
            sentence=str(error),
            advice=error.advice,
            thumbnail_key=slide.plan.prefix + keys.THUMBNAIL if slide.plan.prefix else "",
            as_of=stamp(time_of(revision)) if revision else event.as_of,
            object_etag=revision,
        )

    def _place(self, case: CaseId, event: CaseRescoreRequested, error: PermanentError) -> str:
        """The revision of the refused state; empty for a case of which nothing was ever stored."""
        index = CaseIndex(self.store)
        if not index.knows(case):
            return ""
        seen = TakeSnapshot(self.store, index)(case).seen
        state = digest_of([error.reason, str(error), seen])
        return CaseRecord(self.store).record(case, state, seen, when(event.as_of)).revision
