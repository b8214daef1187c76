"""Route of scoring in the background: how many cases of how many are done, since when, the rate, what remains."""

from collections.abc import Callable

from fastapi import APIRouter

from services.results import openapi
from shared.rescoring import RescoringProgress

_NULL: openapi.Schema = {"type": "null"}
_NUMBER: openapi.Schema = {"anyOf": [openapi.NUMBER, _NULL]}
_ANSWER = openapi.record(
    **dict.fromkeys(("requested", "done", "waiting"), openapi.INTEGER),
    since={"anyOf": [openapi.TEXT | {"format": "date-time"}, _NULL]},
    bundle=openapi.TEXT | {"description": "Whose promotion asks for it; empty where an operator does"},
    per_minute=_NUMBER,
    remaining_s=_NUMBER,
    stopped={"type": "boolean"},
)


def rescoring_routes(read_progress: Callable[[], RescoringProgress]) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["operations"])
    summary = "How far scoring of every case again is, after a promotion or `medulla rescore`"

    @routes.get("/rescoring", summary=summary, response_model=None, responses=openapi.answers(_ANSWER))
    def rescoring() -> dict[str, object]:
        return read_progress().as_json()

    return routes
