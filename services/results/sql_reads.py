"""Reads rows of the database as values."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from medulla.v1.events_pb2 import STAGE_EMBEDDING, Progress, SlideRejected
from sqlalchemy import Connection, Row, Select, and_, exists, false, func, or_, select

from services.results.ports import Activity, CaseFacts, KeptScore, Version, Withdrawal
from services.results.schema import CASE_LABELS, CASES, PROGRESS, REJECTIONS, SCORES
from services.results.sql_archive import Archive
from shared.times import stamp, when
from shared.units import CaseId

M = TypeVar("M", SlideRejected, Progress)
SLIDE = "slide"
"""Field of the labels that name the slides of the current score."""
NEWEST_SCORE = (SCORES.c.revision.desc(), SCORES.c.score_id.desc())
"""The order of a case's scores, the current one first: while slides are in progress, several may have the same time."""
_REJECTION_TEXTS = (
    "event_id",
    "case_id",
    "slide_id",
    "object_key",
    "service",
    "reason",
    "sentence",
    "advice",
    "thumbnail_key",
    "object_etag",
)
_NEWEST_CASES = 1000
"""Most cases in one activity: many more than change between two looks."""
_PROGRESS_VALUES = ("event_id", "case_id", "slide_id", "stage", "done", "total")


def rejection_values(rejection: SlideRejected) -> dict[str, Any]:
    """A refusal as columns; NUL, which PostgreSQL cannot hold, is replaced."""
    texts = {name: getattr(rejection, name).replace("\0", "\N{REPLACEMENT CHARACTER}") for name in _REJECTION_TEXTS}
    return texts | {"as_of": when(rejection.as_of)}


def inputs_text(inputs: frozenset[Version] | None) -> str | None:
    """Inputs of a score as a column."""
    return None if inputs is None else json.dumps(sorted(inputs))


def progress_values(progress: Progress, trace_id: str) -> dict[str, Any]:
    """Progress as columns."""
    named = {name: getattr(progress, name) for name in _PROGRESS_VALUES}
    return named | {"at": when(progress.at), "trace_id": trace_id or None}


def case(tx: Connection, case_id: CaseId) -> CaseFacts | None:
    """See ResultStore."""
    facts = cases(tx, [case_id])
    return facts[0] if facts else None


def cases(tx: Connection, case_ids: Sequence[CaseId]) -> list[CaseFacts]:
    """All that is known of the cases of which something is stored."""
    return _complete(tx, tx.execute(_facts().where(CASES.c.case_id.in_(case_ids))).all())


def case_ids(tx: Connection) -> list[CaseId]:
    """See ResultStore."""
    return [CaseId(case_id) for case_id in tx.scalars(select(CASES.c.case_id).order_by(CASES.c.case_id))]


def refused(tx: Connection, limit: int) -> list[SlideRejected]:
    """See ResultStore."""
    nameless = select(REJECTIONS).where(REJECTIONS.c.case_id == "")
    return list(
        map(_rejection, tx.execute(nameless.order_by(REJECTIONS.c.as_of.desc(), REJECTIONS.c.event_id).limit(limit)))
    )


def scores(tx: Connection, case_id: CaseId, archive: Archive) -> list[KeptScore]:
    """See ResultStore."""
    query = (
        select(
            SCORES.c.score_id,
            SCORES.c.body,
            SCORES.c.as_of,
            SCORES.c.site_id,
            (SCORES.c.score_id == CASES.c.current_score_id).label("current"),
        )
        .join(CASES, CASES.c.case_id == SCORES.c.case_id)
        .where(SCORES.c.case_id == case_id)
        .order_by(*NEWEST_SCORE)
    )
    kept = {
        row.score_id: KeptScore(row.body, row.as_of, bool(row.current), site=row.site_id or "")
        for row in tx.execute(query)
    }
    for row in reversed(archive.of_case(tx, case_id)):
        if row.body is not None:
            archived = KeptScore(row.body, row.entry.as_of, current=False, site=row.site or "")
            kept.setdefault(row.entry.score_id, archived)
    return list(kept.values())


def current_body(tx: Connection, case_id: CaseId) -> str | None:
    """The text of a case's current score."""
    query = _facts().with_only_columns(SCORES.c.body).where(CASES.c.case_id == case_id)
    return tx.scalar(query)


def activity(tx: Connection, since: datetime, watched: Collection[str]) -> Activity:
    """See ResultStore."""
    recent = tx.execute(_under_way().where(PROGRESS.c.at >= since).order_by(PROGRESS.c.at)).all()
    revisions = select(CASES.c.case_id, CASES.c.revision)
    newest = tx.execute(revisions.order_by(CASES.c.updated_at.desc()).limit(_NEWEST_CASES))
    named = tx.execute(revisions.where(CASES.c.case_id.in_(watched))) if watched else ()
    return Activity(
        [_progress(row) for row in recent],
        revisions={row.case_id: row.revision for row in newest},
        watched={row.case_id: row.revision for row in named},
    )


def _under_way() -> Select[Any]:
    """Progress of slides that are still processed: neither refused, nor concluded by a score or a withdrawal.

    A further encoder embeds slides that are scored, and no score follows: its progress ends with the last tile.
    """
    rejected = REJECTIONS.c.case_id == PROGRESS.c.case_id, REJECTIONS.c.slide_id == PROGRESS.c.slide_id
    same = CASE_LABELS.c.case_id == PROGRESS.c.case_id, CASE_LABELS.c.label == PROGRESS.c.slide_id
    scored = exists().where(CASE_LABELS.c.field == SLIDE, *same)
    has_ended = or_(scored, and_(CASES.c.current_score_id.is_(None), CASES.c.concluded_at.is_not(None)))
    is_later = func.coalesce(PROGRESS.c.at > CASES.c.concluded_at, false())
    is_embedded = and_(PROGRESS.c.stage == STAGE_EMBEDDING, PROGRESS.c.total > 0, PROGRESS.c.done >= PROGRESS.c.total)
    query = select(PROGRESS).join(CASES, CASES.c.case_id == PROGRESS.c.case_id)
    return query.where(~exists().where(*rejected), or_(~has_ended, and_(is_later, ~is_embedded)))


def _facts() -> Select[Any]:
    current = and_(SCORES.c.case_id == CASES.c.case_id, SCORES.c.score_id == CASES.c.current_score_id)
    score = SCORES.c.body, SCORES.c.as_of, SCORES.c.revision, SCORES.c.inputs, SCORES.c.site_id
    withdrawn = CASES.c.withdrawn, CASES.c.withdrawn_revision, CASES.c.withdrawn_at, CASES.c.withdrawn_event_id
    case = CASES.c.case_id, CASES.c.updated_at, *withdrawn, CASES.c.nothing_left
    return select(*case, *score).select_from(CASES.outerjoin(SCORES, current))


def _complete(tx: Connection, rows: Sequence[Row[Any]]) -> list[CaseFacts]:
    ids = [row.case_id for row in rows]
    refused = tx.execute(select(REJECTIONS).where(REJECTIONS.c.case_id.in_(ids)).order_by(REJECTIONS.c.event_id))
    progressed = tx.execute(select(PROGRESS).where(PROGRESS.c.case_id.in_(ids)).order_by(PROGRESS.c.slide_id)).all()
    rejections, progress = _by_case(map(_rejection, refused)), _by_case(map(_progress, progressed))
    traces = defaultdict[str, dict[str, str]](dict)
    for row in progressed:
        if row.trace_id:
            traces[row.case_id][row.slide_id] = row.trace_id
    return [
        CaseFacts(
            case_id=row.case_id,
            updated_at=row.updated_at,
            current=_current(row),
            rejections=rejections[row.case_id],
            progress=progress[row.case_id],
            traces=traces[row.case_id],
            withdrawn=_withdrawal(row),
        )
        for row in rows
    ]


def _current(row: Row[Any]) -> KeptScore | None:
    if row.body is None:
        return None
    inputs = None if row.inputs is None else frozenset((key, etag) for key, etag in json.loads(row.inputs))
    return KeptScore(row.body, row.as_of, current=True, revision=row.revision, inputs=inputs, site=row.site_id or "")


def _withdrawal(row: Row[Any]) -> Withdrawal | None:
    """The last withdrawal, unless there is a later score."""
    if row.body is not None or row.withdrawn is None:
        return None
    return Withdrawal(
        case_id=row.case_id,
        sentence=row.withdrawn,
        nothing_left=bool(row.nothing_left),
        as_of=row.withdrawn_at,
        revision=row.withdrawn_revision,
        event_id=row.withdrawn_event_id,
    )


def _by_case(messages: Iterable[M]) -> defaultdict[str, list[M]]:
    grouped: defaultdict[str, list[M]] = defaultdict(list)
    for message in messages:
        grouped[message.case_id].append(message)
    return grouped


def _rejection(row: Row[Any]) -> SlideRejected:
    return SlideRejected(**{name: getattr(row, name) or "" for name in _REJECTION_TEXTS}, as_of=stamp(row.as_of))


def _progress(row: Row[Any]) -> Progress:
    return Progress(**{name: getattr(row, name) for name in _PROGRESS_VALUES}, at=stamp(row.at))
