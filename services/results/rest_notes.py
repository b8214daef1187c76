"""Routes of the timeline and of people's notes."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse
from medulla.v1.results_pb2 import Note

from services.results import openapi
from services.results.case_notes import CaseNotes
from services.results.csv_text import csv_lines
from services.results.message_json import json_response
from services.results.queries import Queries
from services.results.request_body import bounded_body
from services.results.saved_file import saved_as
from shared.rpc.auth import Principal

_LARGEST_BODY = 16_384
_OUTCOMES = openapi.record(outcomes={"type": "object", "additionalProperties": openapi.TEXT})
_COLUMNS = tuple(field.name for field in Note.DESCRIPTOR.fields)


def note_routes(queries: Queries, who: Callable[[Request], Principal]) -> APIRouter:
    """Below /cases, and /notes.csv; `who` is the caller of a request."""
    routes, notes = APIRouter(tags=["notes"]), CaseNotes(queries)
    _add_readings(routes, queries, notes)

    @routes.post(
        "/cases/{case_id}/notes",
        status_code=HTTPStatus.CREATED,
        responses=openapi.message("Note", HTTPStatus.CREATED),
        summary="Note something; no score changes",
        openapi_extra=openapi.json_body(openapi.reference("Note")),
    )
    def add_note(
        case_id: str,
        body: Annotated[bytes, Depends(bounded_body(_LARGEST_BODY))],
        author: Annotated[Principal, Depends(who)],
    ) -> Response:
        return json_response(notes.add(case_id, body, author), HTTPStatus.CREATED)

    return routes


def _add_readings(routes: APIRouter, queries: Queries, notes: CaseNotes) -> None:
    @routes.get(
        "/cases/{case_id}/timeline", responses=openapi.message("GetTimelineResponse"), summary="What happened to a case"
    )
    def get_timeline(case_id: str) -> Response:
        return json_response(queries.timeline(case_id))

    @routes.get(
        "/cases/{case_id}/notes", responses=openapi.message("ListNotesResponse"), summary="Notes, the latest first"
    )
    def list_notes(case_id: str) -> Response:
        return json_response(queries.list_notes(case_id))

    summary = "Codes of an outcome that a note may state, with their meaning"

    @routes.get("/cases/{case_id}/outcomes", summary=summary, response_model=None, responses=openapi.answers(_OUTCOMES))
    def list_outcomes(case_id: str) -> dict[str, Any]:
        return {"outcomes": notes.outcomes(case_id)}

    @routes.get(
        "/notes.csv",
        summary="All notes as CSV, for the trainer",
        response_class=Response,
        responses=openapi.answers(openapi.TEXT, openapi.CSV),
    )
    def notes_csv() -> StreamingResponse:
        lines = csv_lines(_COLUMNS, map(_cells, notes.all()))
        return StreamingResponse(lines, media_type=openapi.CSV, headers=saved_as("notes.csv"))


def _cells(note: Note) -> list[object]:
    """Empty where the kind of the note has no such field."""
    is_tile = note.kind == "artefact"
    cells: dict[str, object] = {name: getattr(note, name) for name in _COLUMNS}
    cells["simulated"] = "SIMULATED" if note.simulated else ""
    cells["at"] = note.at.ToJsonString()
    cells["event_years"] = note.event_years if note.HasField("event_years") else ""
    return [value if is_tile or name not in {"x_px", "y_px"} else "" for name, value in cells.items()]
