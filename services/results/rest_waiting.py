"""Route of slides that wait for a score or a refusal: stage, since when, why, next attempt and trace."""

from collections.abc import Callable

from fastapi import APIRouter

from services.results import openapi
from shared.waiting import WaitingList, as_json

_TIME = openapi.TEXT | {"format": "date-time"}
_NO_TIME: openapi.Schema = {"anyOf": [_TIME, {"type": "null"}]}
_SLIDE = openapi.record(
    **dict.fromkeys(("case_id", "slide_id", "stage", "why", "trace"), openapi.TEXT),
    **dict.fromkeys(("landed", "since"), _TIME),
    next_attempt=_NO_TIME,
)
_ANSWER = openapi.record(at=_NO_TIME, problem=openapi.TEXT, **openapi.columns("slides", items=_SLIDE))


def waiting_routes(read_list: Callable[[], WaitingList]) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["operations"])
    summary = "Slides that wait for a score or a refusal, the oldest first, as of the last look"

    @routes.get("/waiting", summary=summary, response_model=None, responses=openapi.answers(_ANSWER))
    def waiting_slides() -> dict[str, object]:
        return as_json(read_list())

    return routes
