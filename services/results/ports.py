"""The interface of the result store, and its values."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from medulla.v1.events_pb2 import Progress, SlideRejected
from medulla.v1.results_pb2 import CaseSummary

from services.results.audit_chain import ERASED, AuditRow, ChainReport
from services.results.case_list import Counts, Order, PageMark, Selection
from shared.times import time_of
from shared.units import CaseId, Sha256, SlideId

Version = tuple[str, str]
"""Key and etag of an object."""
NoteMark = tuple[datetime, str]
"""Time and id of a note, by which all notes are ordered."""


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """One announced score, with the exact text that its digest covers."""

    case_id: CaseId
    score_id: Sha256
    body: str
    """JSON mapping of medulla.v1.Score."""
    digest: Sha256
    """Of the body's UTF-8 bytes."""
    as_of: datetime
    """Aware; the newest time among the score's inputs."""
    revision: str
    """Of two events of a case the one with the greater revision is current."""
    event_id: str
    inputs: frozenset[Version] | None = None
    """Its inputs; None if an older program did not record them."""
    site: str = ""
    """Site in its clinical record; empty without one."""

    @property
    def changed_at(self) -> datetime:
        """When the case got this score: after a deletion that is later than what is left of its inputs."""
        return max(self.as_of, time_of(self.revision))


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawal: the case no longer has a score."""

    case_id: CaseId
    sentence: str
    nothing_left: bool
    """Nothing of the case is left in the bucket."""
    as_of: datetime
    """Aware."""
    revision: str
    """See ScoreRecord."""
    event_id: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure of a case; holds digests only."""

    case_id: str
    """SHA-256 of the case's id, which replaces it in its entries."""
    digest: Sha256
    """Over the hashes of those entries."""
    as_of: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """What a person noted for a case, with the exact text that its digest covers."""

    case_id: CaseId
    event_id: str
    """The note's id."""
    body: str
    """JSON mapping of medulla.v1.Note."""
    digest: Sha256
    """Of the body's UTF-8 bytes."""
    as_of: datetime
    """When it was noted; aware."""


@dataclass(frozen=True, slots=True)
class KeptScore:
    """A score as the database holds it."""

    body: str
    as_of: datetime
    current: bool
    revision: str = ""
    """See ScoreRecord."""
    inputs: frozenset[Version] | None = None
    """See ScoreRecord."""
    site: str = ""
    """See ScoreRecord."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """All that is known of one case."""

    case_id: CaseId
    updated_at: datetime
    current: KeptScore | None = None
    rejections: Sequence[SlideRejected] = ()
    progress: Sequence[Progress] = ()
    traces: Mapping[str, str] = field(default_factory=dict)
    """Trace id of the work that reported last, by slide; there is none without tracing."""
    withdrawn: Withdrawal | None = None
    """Why there is no current score."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Recent activity: the latest progress of each slide, and a number per case that grows with each change."""

    progress: Sequence[Progress]
    revisions: Mapping[str, int]
    """Of the cases that changed last."""
    watched: Mapping[str, int] = field(default_factory=dict)
    """Of the cases that are watched, whenever they changed; of an erased one there is none."""
    erased: Mapping[str, int] = field(default_factory=dict)
    """SHA-256 of the ids of the cases that were erased last, and a number that grows with each erasure."""


class ResultStore(Protocol):
    """Stores results; every method may raise TransientError when the database is down.

    Writes are idempotent, and their order does not affect what is read.
    """

    def record_score(self, record: ScoreRecord) -> bool:
        """Store a score and its audit entry, and make the case's newest score current; False if it was stored before.

        Raises:
            ScoreMismatchError: another text is stored under this score id.
        """

    def record_withdrawal(self, withdrawal: Withdrawal) -> bool:
        """Store the withdrawal of a case and its audit entry; the case then has no current score.

        False if it was stored before.
        """

    def record_rejection(self, rejection: SlideRejected) -> bool:
        """Store a refusal; False if it was stored before."""

    def forget_rejection(self, rejection: SlideRejected) -> None:
        """Delete the refusal of a deleted object."""

    def is_idle(self, case_id: CaseId, since: datetime) -> bool:
        """Whether a case is stored, and nothing that landed or was recorded of it is newer."""

    def erase(self, case_id: CaseId, why: str = ERASED) -> bool:
        """Delete everything of a case; its audit entries keep digests. False if nothing of it was stored.

        `why` is the text of the erasure's entry, one of ERASURES.

        Raises:
            BrokenArchiveError: all is deleted but entries in a file of the archive that cannot be read.
        """

    def unfinished_erasures(self) -> Sequence[CaseId]:
        """Erased cases of which files of the archive still have entries, since the erasure could not read them."""

    def record_progress(self, progress: Progress, trace_id: str = "") -> bool:
        """Store the latest progress of a slide, and its trace; False if a later one was stored before."""

    def forget_progress(self, case_id: CaseId, slide_id: SlideId) -> None:
        """Drop the progress of a slide that is gone."""

    def page(
        self, chosen: Selection, order: Order, limit: int, after: PageMark | None = None
    ) -> list[tuple[PageMark, CaseSummary]]:
        """At most `limit` cases of a selection after `after`, each with the mark of a page that ends with it."""

    def counts(self, chosen: Selection) -> Counts:
        """How many cases a selection has, and how many have each value of each field."""

    def refresh_summaries(self) -> None:
        """Derive the summaries of cases that an older program wrote, and sum up changes of counts."""

    def case(self, case_id: CaseId) -> CaseFacts | None:
        """One case, or None."""

    def case_ids(self) -> list[CaseId]:
        """The ids of all cases, in order."""

    def answered(self, cases: Collection[CaseId]) -> Mapping[CaseId, Sha256]:
        """Digests of the listings in which each slide of a case was answered; of cases without one there is none."""

    def note_answered(self, listings: Mapping[CaseId, Sha256]) -> None:
        """Store such digests; those of cases of which nothing is stored are dropped."""

    def look_alone(self) -> AbstractContextManager[bool]:
        """Whether no other program looks for pending slides; within the block none does.

        A program that dies lets the next one look, and so does a look that takes longer than an hour.
        """

    def refused(self, limit: int) -> list[SlideRejected]:
        """Refused uploads whose keys name no case, the latest first."""

    def scores(self, case_id: CaseId) -> list[KeptScore]:
        """Every score of the case, the current one first."""

    def record_note(self, note: NoteRecord) -> bool:
        """Store a note and its audit entry; False if nothing is stored of the case."""

    def notes(self, case_id: CaseId) -> list[str]:
        """Bodies of a case's notes, the latest first."""

    def all_notes(self, limit: int, after: NoteMark | None = None) -> list[str]:
        """Bodies of at most `limit` notes behind `after`, the oldest first."""

    def audited(self, case_id: str) -> list[AuditRow]:
        """Audit entries under the id of a case, or under the digest that replaced it; in their order."""

    def activity(self, since: datetime, watched: Collection[str] = ()) -> Activity:
        """Activity since a time, with the revisions of the cases that are watched."""

    def verify_chain(self) -> ChainReport:
        """Verify the entries of the audit record since the last signed checkpoint, some of them if they are many."""
