"""Routes of cases: the list, one case, its scores, its slides' pictures and maps."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from google.protobuf import json_format
from google.protobuf.message import Message

from services.results import openapi
from services.results.evidence import Evidence
from services.results.queries import DEFAULT_PAGE, LARGEST_PAGE, Queries

PageSize = Annotated[int, Query(ge=0, le=LARGEST_PAGE, description=f"0 means {DEFAULT_PAGE}")]
PageToken = Annotated[str, Query(max_length=400, description="next_page_token of the page before")]

_MAP = openapi.record(
    **openapi.columns("x", "y", items=openapi.INTEGER),
    **openapi.columns("attention", items=openapi.NUMBER),
    square_width_px=openapi.NUMBER,
    square_height_px=openapi.NUMBER,
    mean=openapi.NUMBER,
    merged=openapi.INTEGER,
)


def case_routes(queries: Queries, evidence: Evidence) -> APIRouter:
    """Everything below /cases."""
    routes = APIRouter(prefix="/cases", tags=["cases"])

    @routes.get("", responses=_says("ListCasesResponse"), summary="Cases, the most recently changed first")
    def list_cases(page_size: PageSize = 0, page_token: PageToken = "") -> Response:
        return _json(queries.list_cases(page_size, page_token))

    @routes.get("/{case_id}", responses=_says("GetCaseResponse"), summary="One case with its current score")
    def get_case(case_id: str) -> Response:
        return _json(queries.get_case(case_id))

    @routes.get("/{case_id}/scores", responses=_says("ListScoresResponse"), summary="All scores, the current one first")
    def list_scores(case_id: str) -> Response:
        return _json(queries.list_scores(case_id))

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


def _json(message: Message) -> Response:
    """JSON mapping with the field names of the .proto files; fields that are zero or empty are there too."""
    text = json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
    )
    return Response(text, media_type="application/json")


def _says(schema: str) -> openapi.Responses:
    return openapi.answers(openapi.reference(schema))
