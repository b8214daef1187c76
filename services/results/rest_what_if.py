"""Routes of "what if": the form of a question about a case, and its answer, which is never stored."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from medulla.v1.scorer_pb2 import DescribeFormRequest

from services.results import openapi
from services.results.case_scorer import CaseScorer
from services.results.message_json import json_response
from services.results.request_body import bounded_body
from services.results.what_if_body import LARGEST_BODY, WhatIfBody, parse_body
from shared import keys


def what_if_routes(scorer: CaseScorer) -> APIRouter:
    """Below /cases."""
    routes = APIRouter(prefix="/cases", tags=["cases"])

    @routes.get(
        "/{case_id}/what-if",
        responses=openapi.message("DescribeFormResponse"),
        summary="What a what-if form is made of",
    )
    def describe(request: Request, case_id: str) -> Response:
        case = keys.named_case(case_id, "the request")
        return json_response(scorer.describe(DescribeFormRequest(case_id=case), _authorization(request)))

    @routes.post(
        "/{case_id}/what-if",
        responses=openapi.message("Score"),
        summary="The score of a case with other inputs; nothing is stored",
        openapi_extra=openapi.json_body(WhatIfBody.model_json_schema()),
    )
    def score(request: Request, case_id: str, body: Annotated[bytes, Depends(bounded_body(LARGEST_BODY))]) -> Response:
        case = keys.named_case(case_id, "the request")
        return json_response(scorer.score(parse_body(body).request(case), _authorization(request)))

    return routes


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")
