"""Handles what makes a case be scored: a slide embedded, an operator's wish; `on_landing` has what lands in the bucket.

Whatever happens ends as one CaseRescoreRequested, whose topic keeps a case in one partition: one score of a case is
made at a time, from what stands in the bucket by then.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored, SlideEmbedded, SlideRejected

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.changes import request
from services.fusion_scorer.encoder_bags import PassedOver
from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.refusal import RefuseScore
from services.fusion_scorer.score_case import ScoreCase
from services.fusion_scorer.snapshot import TakeSnapshot
from shared import keys, logs
from shared.errors import PermanentError
from shared.model.errors import BadClinicalRecordError, BadVectorsError
from shared.slides.embedded import other_holders
from shared.times import when
from shared.units import CaseId, Sha256

_log = logs.get(__name__)


@dataclass(frozen=True)
class IndexSlide:
    """A slide's embeddings are remembered, and its case is to be scored."""

    index: CaseIndex
    is_passed_over: PassedOver

    def __call__(self, event: SlideEmbedded) -> Iterable[CaseRescoreRequested]:
        """Index the slide's version; other cases with the same bytes are scored again for the remark.

        No case is scored again for a bag that the promoted bundle does not read while one that it reads is to come.
        """
        case = keys.case_id(event.slide.case_id, event.slide.object.key)
        self.index.put_slide(event)
        if self.is_passed_over(event):
            return ()
        others = other_holders(self.index.store, case, event.slide.digest)
        return [request(each, event.event_id, when(event.as_of)) for each in (case, *others)]


@dataclass(frozen=True)
class RescoreCase:
    """A case is scored from what is stored of it."""

    score_case: ScoreCase
    index: CaseIndex

    def __call__(
        self, event: CaseRescoreRequested, promotion: Sha256 | None = None
    ) -> Iterable[CaseScored | SlideRejected]:
        """Score the case; while no bundle is promoted it waits in the index, and promotion scores it.

        A case of inputs that are all refused when they land is passed over, since each refusal is reported then. A
        refusal that the case's state already had is reported again, and is no other dead letter. `promotion` is the
        digest of the bundle whose promotion asks for it.
        """
        case, refuse = keys.case_id(event.case_id, "the request"), RefuseScore(self.index.store)
        try:
            return self._scored(case, promotion)
        except PermanentError as error:
            if not refuse.is_recorded(case, error):
                raise
            rejection = refuse(event, error)
            return () if rejection is None else (rejection,)

    def _scored(self, case: CaseId, promotion: Sha256 | None) -> Iterable[CaseScored]:
        try:
            return (self.score_case(case, promotion),)
        except NoBundleError as error:
            _log.warning("case waits for a bundle", sentence=str(error), advice=error.advice)
        except (BadClinicalRecordError, BadVectorsError):
            inputs = TakeSnapshot(self.index.store, self.index)(case).read
            if any(self.index.accepted(stored.key, stored.etag) for stored in inputs):
                raise
            _log.info("case passed over: all inputs are refused when they land")
        return ()
