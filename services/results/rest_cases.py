"""Routes of a case: the case, its scores, its slides' pictures and maps."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from services.results import openapi
from services.results.evidence import Evidence
from services.results.message_json import json_response
from services.results.queries import Queries

_MAP = openapi.squares(**openapi.columns("attention", items=openapi.NUMBER), mean=openapi.NUMBER)


def case_routes(queries: Queries, evidence: Evidence) -> APIRouter:
    """Everything below /cases/{case_id}."""
    routes = APIRouter(prefix="/cases", tags=["cases"])

    @routes.get("/{case_id}", responses=openapi.message("GetCaseResponse"), summary="One case with its current score")
    def get_case(case_id: str) -> Response:
        return json_response(queries.get_case(case_id))

    @routes.get(
        "/{case_id}/scores",
        responses=openapi.message("ListScoresResponse"),
        summary="All scores, the current one first",
    )
    def list_scores(case_id: str) -> Response:
        return json_response(queries.list_scores(case_id))

    _add_slide_routes(routes, evidence)
    return routes


def _add_slide_routes(routes: APIRouter, evidence: Evidence) -> None:
    pictures = openapi.answers(openapi.BYTES, "image/jpeg", "image/png")
    path = "/{case_id}/slides/{slide_id}"

    @routes.get(f"{path}/thumbnail", summary="Small picture of a slide", response_class=Response, responses=pictures)
    def thumbnail(case_id: str, slide_id: str) -> Response:
        picture = evidence.thumbnail(case_id, slide_id)
        return Response(picture.data, media_type=picture.media_type)

    map_answers = openapi.answers(_MAP)

    @routes.get(f"{path}/attention", summary="Where the current score looked, level-0 pixels", responses=map_answers)
    def attention(case_id: str, slide_id: str) -> Response:
        return JSONResponse(evidence.attention(case_id, slide_id).as_json())
