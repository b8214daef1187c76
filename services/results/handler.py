"""Stores each event once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from medulla.v1.events_pb2 import CaseEraseRequested, CaseScored, Progress, SlideRejected

from services.results.announced_score import announced_score
from services.results.audit_chain import erasure_text
from services.results.ports import CaseFacts, ResultStore, ScoreRecord, Withdrawal
from services.results.record_site import record_site
from services.results.retention import has_landed_since
from shared import keys, logs, metrics, tracing
from shared.blob.port import BlobStore
from shared.erased import ErasedCases, request
from shared.times import when
from shared.units import CaseId, Sha256, SlideId

_log = logs.get(__name__)


@dataclass(frozen=True)
class RecordScore:
    """A score or a withdrawal in, one audit entry out; the greatest revision of a case is its current one.

    Refusals of deleted objects are removed with it.
    """

    blobs: BlobStore
    results: ResultStore

    def __call__(self, event: CaseScored) -> tuple[()]:
        """Store the score or withdrawal of the event.

        Raises:
            ScoreMismatchError: the stored bytes are not the announced score.
            ObjectChangedError: the score does not exist.
        """
        case = keys.case_id(event.case_id, "the event of a score")
        before = self.results.case(case)
        if event.withdrawn:
            self.results.record_withdrawal(_withdrawal(case, event))
        else:
            self._record(case, event, before)
        for refused in before.rejections if before else ():
            if not _exists(self.blobs, refused):
                self.results.forget_rejection(refused)
        return ()

    def _record(self, case: CaseId, event: CaseScored, before: CaseFacts | None) -> None:
        body, score = announced_score(self.blobs, event)
        record = ScoreRecord(
            case_id=case,
            score_id=Sha256(event.score_id),
            body=body,
            digest=Sha256(event.score_digest),
            as_of=when(event.as_of),
            revision=event.revision,
            event_id=event.event_id,
            inputs=frozenset((each.key, each.etag) for each in event.inputs) or None,
            site=record_site(self.blobs, case, score.provenance.clinical_digest, before.current if before else None),
        )
        if self.results.record_score(record):
            metrics.LANDING_TO_RESULT_SECONDS.observe(max(0.0, (datetime.now(UTC) - record.as_of).total_seconds()))


@dataclass(frozen=True)
class RecordRejection:
    """A refused input in, one row out; a slide that is gone is not under way any more."""

    blobs: BlobStore
    results: ResultStore

    def __call__(self, event: SlideRejected) -> tuple[()]:
        """Store the refusal while the refused object exists in the bucket."""
        if event.case_id:
            keys.case_id(event.case_id, "the event of a refused input")
        if _exists(self.blobs, event):
            self.results.record_rejection(event)
        elif event.slide_id and self.blobs.head(event.object_key) is None:
            self.results.forget_progress(CaseId(event.case_id), SlideId(event.slide_id))
        return ()


@dataclass(frozen=True)
class RecordProgress:
    """Progress of a slide; only the latest is kept, with the trace of the work that it reports."""

    results: ResultStore

    def __call__(self, event: Progress) -> tuple[()]:
        """Store it if it is newer."""
        keys.case_id(event.case_id, "the event of progress")
        self.results.record_progress(event, tracing.trace_id())
        return ()


@dataclass(frozen=True)
class EraseResults:
    """A request in, no row of the case left; the audit record keeps digests."""

    blobs: BlobStore
    results: ResultStore

    def __call__(self, event: CaseEraseRequested) -> tuple[CaseEraseRequested, ...]:
        """Drop everything of the case; the audit entry states that retention requested it.

        A request with a condition marks the case as erased and asks all services, if the case meets it.
        """
        case = keys.case_id(event.case_id, "the request")
        if event.HasField("idle_since"):
            return self._if_idle(case, event)
        self.results.erase(case, erasure_text(event.cause))
        return ()

    def _if_idle(self, case: CaseId, event: CaseEraseRequested) -> tuple[CaseEraseRequested, ...]:
        """The request without its condition: again after a crash, once the marker stands."""
        erased, since = ErasedCases(self.blobs), when(event.idle_since)
        unconditional = request(case, event.cause, event.event_id)
        if not erased.holds(case) and not self._is_idle(case, since):
            _log.info("not erased: something of the case is newer than the request allows")
            return ()
        return (unconditional,) if erased.add(case, unconditional.event_id, event.cause) else ()

    def _is_idle(self, case: CaseId, since: datetime) -> bool:
        return self.results.is_idle(case, since) and not has_landed_since(self.blobs, case, since)


def _withdrawal(case: CaseId, event: CaseScored) -> Withdrawal:
    return Withdrawal(case, event.withdrawn, event.nothing_left, when(event.as_of), event.revision, event.event_id)


def _exists(blobs: BlobStore, refused: SlideRejected) -> bool:
    """Whether the refused version of an object exists in the bucket.

    Older programs did not name the version, and the time is missing if the object had been deleted before. The refusal
    of a case as a whole, or of a bag, has no object that could be deleted or replaced.
    """
    if not refused.object_key.startswith(keys.LANDED):
        return True
    if not refused.object_etag:
        return refused.HasField("as_of")
    info = blobs.head(refused.object_key)
    return info is not None and info.etag == refused.object_etag
