"""Reports that a case could not be scored, and because of which slide."""

from collections.abc import Sequence
from dataclasses import dataclass

from medulla.v1.events_pb2 import CaseRescoreRequested, SlideEmbedded, SlideRejected

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_record import CaseRecord, RecordedState, Version
from services.fusion_scorer.errors import BadSlideError
from services.fusion_scorer.snapshot import TakeSnapshot
from shared import keys
from shared.blob.port import BlobStore
from shared.bus.events import event_id
from shared.canonical import digest_of
from shared.errors import PermanentError, TransientError
from shared.incidents import contained
from shared.keys import BadCaseIdError
from shared.times import stamp, time_of, when
from shared.units import CaseId, Sha256

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

    def is_recorded(self, case: CaseId, error: PermanentError) -> bool:
        """Whether the case's last recorded state is this refusal, of which there is a dead letter."""
        last = CaseRecord(self.store).last(case)
        return last is not None and last.is_reported and last.state == _state(error, self._seen(case))

    def reported(self, refusal: SlideRejected) -> None:
        """Remember that a refusal has its dead letter: until then the case is refused with a letter again."""
        CaseRecord(self.store).note_report(CaseId(refusal.case_id), refusal.object_etag)

    def _place(self, case: CaseId, event: CaseRescoreRequested, error: PermanentError) -> str:
        """The revision of the refused state; empty for a case of which nothing was ever stored."""
        if not CaseIndex(self.store).has_case(case):
            return ""
        seen = self._seen(case)
        state = RecordedState("", _state(error, seen), frozenset(seen), is_reported=False)
        return CaseRecord(self.store).record(case, state, when(event.as_of)).revision

    def _seen(self, case: CaseId) -> Sequence[Version]:
        """The objects of the case; none where looking at them fails, which must not keep the refusal from people."""
        with contained(SERVICE, TransientError):
            return TakeSnapshot(self.store, CaseIndex(self.store))(case).seen
        return ()


def _state(error: PermanentError, seen: Sequence[Version]) -> Sha256:
    return digest_of([error.reason, str(error), seen])
