"""What results does with each event: keep it, once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from medulla.v1.events_pb2 import CaseScored, Progress, SlideRejected

from services.results.case_state import read_score
from services.results.errors import ScoreMismatchError
from services.results.ports import ResultStore, ScoreRecord
from shared import keys, metrics
from shared.blob.port import BlobStore
from shared.canonical import sha256
from shared.times import when
from shared.units import Sha256


@dataclass(frozen=True)
class RecordScore:
    """A score in, one row and one audit entry out; the newest score of a case is its current one."""

    blobs: BlobStore
    results: ResultStore

    def __call__(self, event: CaseScored) -> tuple[()]:
        """Keep the score that the event announces.

        Raises:
            ScoreMismatchError: the bytes in the store are not the announced score.
            ObjectChangedError: they are not there.
        """
        case = keys.case_id(event.case_id, "the event of a score")
        body = self._body(event)
        record = ScoreRecord(
            case_id=case,
            score_id=Sha256(event.score_id),
            body=body,
            digest=Sha256(event.score_digest),
            as_of=when(event.as_of),
            revision=event.revision,
            event_id=event.event_id,
        )
        if self.results.record_score(record):
            metrics.LANDING_TO_RESULT_SECONDS.observe(max(0.0, (datetime.now(UTC) - record.as_of).total_seconds()))
        return ()

    def _body(self, event: CaseScored) -> str:
        data = self.blobs.get(event.score_key)
        digest = sha256(data)
        if digest != event.score_digest:
            raise ScoreMismatchError(f"score {event.score_key} has digest {digest}, announced was {event.score_digest}")
        body = _utf8(data, event.score_key)
        score = read_score(body, event.score_key)
        if (score.case_id, score.score_id) != (event.case_id, event.score_id):
            raise ScoreMismatchError(f"{event.score_key} is score {score.score_id!r} of case {score.case_id!r}")
        return body


@dataclass(frozen=True)
class RecordRejection:
    """A refused input in, one row out."""

    results: ResultStore

    def __call__(self, event: SlideRejected) -> tuple[()]:
        """Keep why the input was refused."""
        if event.case_id:
            keys.case_id(event.case_id, "the event of a refused input")
        self.results.record_rejection(event)
        return ()


@dataclass(frozen=True)
class RecordProgress:
    """How far a slide is; only the latest is kept."""

    results: ResultStore

    def __call__(self, event: Progress) -> tuple[()]:
        """Keep it where it is news."""
        keys.case_id(event.case_id, "the event of progress")
        self.results.record_progress(event)
        return ()


def _utf8(data: bytes, key: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ScoreMismatchError(f"score {key} is no UTF-8 text") from error
