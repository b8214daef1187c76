"""What makes a case be scored: a slide embedded, replaced or deleted, its record or another bundle, an operator's wish.

Whatever happens ends as one CaseRescoreRequested, whose topic keeps a case in one partition: one score of a case is
made at a time, from what stands in the bucket by then.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored, SlideEmbedded, SlideRejected

from services.fusion_scorer.case_index import CaseIndex, ClinicalEntry
from services.fusion_scorer.case_reader import read_version
from services.fusion_scorer.changes import CaseChanges, request
from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.refusal import SERVICE, RefuseScore
from services.fusion_scorer.score_case import ScoreCase
from shared import keys, logs, pseudonyms
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.events import event_id
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.errors import GivenUpError, PermanentError
from shared.keys import BadCaseIdError
from shared.model.errors import BadClinicalRecordError
from shared.model.record import ReadRecord, parse_record
from shared.slides.embedded import other_holders
from shared.sweep import ignored
from shared.times import stamp, when
from shared.units import CaseId

_log = logs.get(__name__)


@dataclass(frozen=True)
class IndexSlide:
    """A slide's embeddings are remembered, and its case is to be scored."""

    index: CaseIndex

    def __call__(self, event: SlideEmbedded) -> Iterable[CaseRescoreRequested]:
        """Index the slide's version; other cases with the same bytes are scored again for the remark."""
        case = keys.case_id(event.slide.case_id, event.slide.object.key)
        self.index.put_slide(event)
        others = other_holders(self.index.store, case, event.slide.digest)
        return [request(each, event.event_id, when(event.as_of)) for each in (case, *others)]


@dataclass(frozen=True)
class RescoreCase:
    """A case is scored from what is stored of it."""

    score_case: ScoreCase
    index: CaseIndex

    def __call__(self, event: CaseRescoreRequested) -> Iterable[CaseScored | SlideRejected]:
        """Score the case; while no bundle is promoted it waits in the index, and promotion scores it.

        A case of which there was never more than a record whose refusal was told is passed over. A refusal that the
        case's state already had is said again, and is no other dead letter.
        """
        case, refuse = keys.case_id(event.case_id, "the request"), RefuseScore(self.index.store)
        try:
            return self._scored(case)
        except PermanentError as error:
            if not refuse.is_told(case, error):
                raise
            rejection = refuse(event, error)
            return () if rejection is None else (rejection,)

    def _scored(self, case: CaseId) -> Iterable[CaseScored]:
        try:
            return (self.score_case(case),)
        except NoBundleError as error:
            _log.warning("case waits for a bundle", sentence=str(error), advice=error.advice)
        except BadClinicalRecordError:
            if not self.index.refused_clinical(case):
                raise
            _log.info("case passed over: all that there is of it is a record that was refused")
        return ()


@dataclass(frozen=True)
class OnLanding:
    """Handles hints that an object was created or removed: slides, clinical records, the bundle pointer."""

    store: BlobStore
    index: CaseIndex
    changes: CaseChanges
    bundles: Bundles
    announce: Callable[[CaseRescoreRequested], None]
    """Publishes at once: for a case that is to be scored although its record is refused, and for the sweep."""
    read_record: ReadRecord = parse_record

    def __call__(self, hint: ObjectHint) -> Iterable[CaseRescoreRequested]:
        """Request the scores that the object changes; events of other objects are ignored.

        Raises:
            BadClinicalRecordError: the record is refused; the case's slides are scored without it.
            BadCaseIdError: the record's key names no case.
        """
        if hint.key == keys.CURRENT_BUNDLE:
            return () if self.store.head(hint.key) is None else self._promoted()
        if hint.key.startswith(keys.CLINICAL):
            case = keys.clinical_case(hint.key)
            return self._clinical(case) if case else ()
        return self._slide(hint) if hint.key.startswith(keys.SLIDES) else ()

    def rejected(self, hint: ObjectHint, error: PermanentError) -> SlideRejected | None:
        """The event that tells people of a refused record, without a case where its key names none; None of no record.

        A version that was given up without an answer is remembered: no sweep starts it again.
        """
        if not hint.key.startswith(keys.CLINICAL):
            return None
        try:
            case = keys.clinical_case(hint.key)
        except BadCaseIdError:
            case = CaseId("")
        if case is None:
            return None
        info = self.store.head(hint.key)
        if info is not None and case and isinstance(error, GivenUpError):
            entry = ClinicalEntry(info.key, info.etag, info.sha256, info.last_modified.isoformat(), str(error))
            self.index.put_clinical(case, entry)
        etag, landed = (info.etag, info.last_modified) if info else ("", datetime.fromtimestamp(0, UTC))
        return SlideRejected(
            event_id=event_id(SlideRejected, hint.key, etag, error.reason),
            case_id=case,
            object_key=hint.key,
            object_etag=etag,
            service=SERVICE,
            reason=error.reason,
            sentence=str(error),
            advice=error.advice,
            as_of=stamp(landed),
        )

    def unseen(self, info: BlobInfo) -> bool:
        """Whether an object is a record or a promotion that was not looked at yet: what the sweeps look for."""
        if info.key == keys.CURRENT_BUNDLE:
            return not self.index.has_promotion(info)
        try:
            case = keys.clinical_case(info.key)
        except BadCaseIdError:
            return False
        return case is not None and not self.index.has_clinical(case, info)

    def sweep_cases(self, failed: Callable[[str], None] = ignored) -> int:
        """Request new scores of cases whose inputs changed without an event; returns their number.

        `failed` gets each case that could not be compared.
        """
        return self.changes.sweep(self.announce, failed)

    def _promoted(self) -> Iterable[CaseRescoreRequested]:
        promoted = self.bundles.promoted()
        self.index.put_promotion(promoted.pointer)
        cause = promoted.bundle.digest
        return [request(case, cause, promoted.since, cause) for case in self.index.cases()]

    def _slide(self, hint: ObjectHint) -> Iterable[CaseRescoreRequested]:
        """A slide that landed is scored once it is embedded; one that is replaced or gone leaves the score at once."""
        case = hint.key.removeprefix(keys.SLIDES).partition("/")[0]
        if not pseudonyms.is_pseudonym(case):
            return ()
        if hint.removed and "slide_id" in keys.named_in(hint.key):
            self.index.note(CaseId(case))
            return self.changes.requests(CaseId(case))
        return self.changes.requests(CaseId(case)) if self.changes.outdated(CaseId(case)) else ()

    def _clinical(self, case: CaseId) -> Iterable[CaseRescoreRequested]:
        info = self.store.head(keys.clinical(case))
        if info is None:
            return self.changes.requests(case) if self.index.has_case(case) else ()
        data = read_version(self.store, info)
        requested = request(case, f"{info.key}@{info.etag}", info.last_modified)
        refusal = self._refusal(case, data)
        self.index.put_clinical(case, _entry(info, data, refusal))
        if refusal is None:
            return (requested,)
        if self.index.slides(case):
            self.announce(requested)
        raise refusal

    def _refusal(self, case: CaseId, data: bytes) -> BadClinicalRecordError | None:
        """What the promoted bundle's profile has against a record; nothing while no bundle is promoted."""
        try:
            self.read_record(data, case, self.bundles.promoted().bundle.manifest.profile)
        except NoBundleError:
            return None
        except BadClinicalRecordError as error:
            return error
        return None


def _entry(info: BlobInfo, data: bytes, refusal: BadClinicalRecordError | None) -> ClinicalEntry:
    rejected = None if refusal is None else str(refusal)
    return ClinicalEntry(info.key, info.etag, sha256(data), info.last_modified.isoformat(), rejected)
