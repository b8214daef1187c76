"""What a person notes for a case: seen, disagrees, a tile that is an artefact, or the outcome that became known."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

from google.protobuf import json_format
from medulla.v1.results_pb2 import Note
from medulla.v1.scorer_pb2 import Score

from services.results.errors import BadNoteError
from shared.json_objects import JsonObjectError, read_object
from shared.text import clean
from shared.words import shown

LONGEST_TEXT = 2_000
MOST_YEARS = 120.0
_EVENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
_OF_KIND: Mapping[str, frozenset[str]] = {
    "seen": frozenset(),
    "disagrees": frozenset(),
    "artefact": frozenset({"slide_id", "x_px", "y_px"}),
    "outcome": frozenset({"event", "event_date", "event_years"}),
}
KINDS = tuple(_OF_KIND)


def read_note(body: str) -> Note:
    """A stored note; fields of newer programs are ignored."""
    return json_format.Parse(body, Note(), ignore_unknown_fields=True)


def parse_note(data: bytes, score: Score | None, outcomes: Mapping[str, str]) -> Note:
    """A note of a request, on a case with this current score; `outcomes` are codes with their meaning, if known.

    Raises:
        BadNoteError: it is no note, or a field of it is refused.
    """
    note = _parse(data)
    problem = next(_problems(note, score, outcomes), "")
    if problem:
        raise BadNoteError(problem)
    if score is not None:
        note.score_id, note.simulated = score.score_id, score.simulated
        note.slide_digest = next((each.slide_digest for each in score.slides if each.slide_id == note.slide_id), "")
    return note


def _parse(data: bytes) -> Note:
    try:
        entries = read_object(data)
    except JsonObjectError as error:
        raise BadNoteError(f"the note {error}") from None
    allowed = {"kind", "text"} | _OF_KIND.get(str(entries.get("kind")), frozenset())
    if entries.get("kind") not in KINDS:
        raise BadNoteError(f"kind is {shown(entries.get('kind'))}, allowed are {', '.join(KINDS)}")
    if unknown := [name for name in entries if name not in allowed]:
        raise BadNoteError(f"{shown(unknown[0])} is no field of such a note, allowed are {', '.join(sorted(allowed))}")
    try:
        note = json_format.ParseDict(entries, Note())
    except json_format.ParseError:
        raise BadNoteError("a field of the note has the wrong type") from None
    note.text = clean(note.text).strip()
    return note


def _problems(note: Note, score: Score | None, outcomes: Mapping[str, str]) -> Iterator[str]:
    if len(note.text) > LONGEST_TEXT:
        yield f"text has {len(note.text)} characters, allowed are {LONGEST_TEXT}"
    if note.kind == "disagrees" and not note.text:
        yield "text is empty; say why you disagree"
    if note.kind == "artefact":
        yield from _tile_problems(note, score or Score())
    if note.kind == "outcome":
        yield from _outcome_problems(note, outcomes)


def _tile_problems(note: Note, score: Score) -> Iterator[str]:
    slide = next((each for each in score.slides if each.slide_id == note.slide_id), None)
    if slide is None:
        yield f"slide_id is {shown(note.slide_id)}, which is no slide of the current score"
    elif not (0 <= note.x_px < slide.width_px and 0 <= note.y_px < slide.height_px):
        yield f"x_px and y_px are not on the slide, which has {slide.width_px} x {slide.height_px} pixels"


def _outcome_problems(note: Note, outcomes: Mapping[str, str]) -> Iterator[str]:
    if outcomes and note.event not in outcomes:
        yield f"event is {shown(note.event)}, allowed are {', '.join(outcomes)}"
    if not _EVENT.fullmatch(note.event):
        yield "event is no code of an outcome"
    if not note.event_date and not note.HasField("event_years"):
        yield "event_date or event_years is missing"
    if note.event_date and not _is_past(note.event_date):
        yield f"event_date is {shown(note.event_date)}, allowed is a date until today as YYYY-MM-DD"
    if note.HasField("event_years") and not (math.isfinite(note.event_years) and 0 < note.event_years <= MOST_YEARS):
        yield f"event_years is {note.event_years:g}, allowed is above 0 to {MOST_YEARS:g}"


def _is_past(text: str) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return day.isoformat() == text and day <= datetime.now(UTC).date()
