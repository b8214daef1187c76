"""What happened to a case, from its audit entries and refusals."""

from collections.abc import Iterable, Iterator

from medulla.v1.results_pb2 import GetTimelineResponse, Note, TimelineEvent

from services.results.audit_chain import ERASURES, AuditEntry, AuditRow
from services.results.case_state import read_score
from services.results.note import read_note
from services.results.ports import CaseFacts
from shared.times import stamp, when

_NOTED = {
    "seen": "Seen.",
    "disagrees": "Disagrees with the score.",
    "artefact": "Marked a tile as an artefact.",
    "outcome": "Stated the outcome.",
}


def response(case_id: str, events: Iterable[TimelineEvent]) -> GetTimelineResponse:
    """The events, the latest first."""
    return GetTimelineResponse(case_id=case_id, events=sorted(events, key=lambda event: when(event.at), reverse=True))


def of_audit(rows: Iterable[AuditRow]) -> Iterator[TimelineEvent]:
    """Scores, withdrawals, notes and erasures, at the times when they were recorded."""
    is_scored = False
    for row in rows:
        entry = row.entry
        if entry.score_id:
            yield _scored(row, "rescored" if is_scored else "scored")
            is_scored = True
        elif entry.is_note:
            yield _noted(row)
        else:
            kind = "erased" if entry.why in ERASURES else "withdrawn"
            yield TimelineEvent(at=stamp(entry.recorded_at), kind=kind, sentence=entry.why or "")


def of_refusals(facts: CaseFacts) -> Iterator[TimelineEvent]:
    """Refusals of inputs that still stand, at the time of the input."""
    for refused in facts.rejections:
        yield TimelineEvent(
            at=refused.as_of, kind="refused", subject=refused.slide_id or refused.object_key, sentence=refused.sentence
        )


def _scored(row: AuditRow, kind: str) -> TimelineEvent:
    entry = row.entry
    event = _event(entry, kind)
    if row.body is not None:
        provenance = read_score(row.body, "the database").provenance
        event.bundle_name, event.bundle_digest = provenance.bundle_name, provenance.bundle_digest
    return event


def _noted(row: AuditRow) -> TimelineEvent:
    event = _event(row.entry, "noted")
    note = read_note(row.body) if row.body is not None else Note()
    event.sentence = _NOTED.get(note.kind, "")
    event.author = note.author_name or note.author
    return event


def _event(entry: AuditEntry, kind: str) -> TimelineEvent:
    return TimelineEvent(
        at=stamp(entry.recorded_at),
        kind=kind,
        score_id=entry.score_id,
        sentence="" if entry.is_note else entry.why or "",
    )
