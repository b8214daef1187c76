"""Routes of the list of cases: pages, counts and CSV of what the filters select."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from medulla.v1.results_pb2 import CaseSummary

from services.results import openapi
from services.results.case_list import (
    CERTAINTIES,
    LONGEST_QUERY,
    LONGEST_TOKEN,
    STANDINGS,
    Order,
    PageMark,
    Selection,
    selection,
    standing,
)
from services.results.csv_text import csv_lines
from services.results.message_json import json_response
from services.results.queries import DEFAULT_PAGE, LARGEST_PAGE, Queries
from services.results.saved_file import saved_as

PageSize = Annotated[int, Query(ge=0, le=LARGEST_PAGE, description=f"0 means {DEFAULT_PAGE}")]
PageToken = Annotated[str, Query(max_length=LONGEST_TOKEN, description="next_page_token of the page before")]
_WORDS = "Words in the case id or the site; one of one or two characters fits at the start of a part of it"
_Text = Annotated[str, Query(max_length=LONGEST_QUERY, description=_WORDS)]
_Sort = Annotated[str, Query(description=f"{', '.join(Order)}; empty means {Order.NEWEST}")]
_States = Annotated[
    list[str], Query(default_factory=list, description=f"{', '.join(STANDINGS)}; repeatable, as the next ones")
]
_Certainties = Annotated[list[str], Query(default_factory=list, description=", ".join(CERTAINTIES))]
_Texts = Annotated[list[str], Query(default_factory=list)]
_CSV_PAGE = 1000
_COLUMNS = (
    *("case_id", "state", "certainty", "risk_group", "horizon_years", "risk", "risk_lo", "risk_hi", "risk_level"),
    *("flags", "reasons", "site_id", "updated_at"),
)


def _selected(
    state: _States, group: _Texts, certainty: _Certainties, flag: _Texts, site: _Texts, reason: _Texts, q: _Text = ""
) -> Selection:
    return selection(q, state=state, group=group, certainty=certainty, flag=flag, site=site, reason=reason)


Selected = Annotated[Selection, Depends(_selected)]


def list_routes(queries: Queries) -> APIRouter:
    """/cases, /cases.csv and /case-counts."""
    routes = APIRouter(tags=["cases"])

    @routes.get(
        "/cases", responses=openapi.message("ListCasesResponse"), summary="Cases, the most recently changed first"
    )
    def list_cases(chosen: Selected, sort: _Sort = "", page_size: PageSize = 0, page_token: PageToken = "") -> Response:
        return json_response(queries.list_cases(chosen, sort, page_size, page_token))

    @routes.get(
        "/case-counts", responses=openapi.message("CountCasesResponse"), summary="Cases by state, group and the like"
    )
    def count_cases(chosen: Selected) -> Response:
        return json_response(queries.count_cases(chosen))

    @routes.get(
        "/cases.csv",
        summary="All selected cases as CSV, by case id",
        response_class=Response,
        responses=openapi.answers(openapi.TEXT, openapi.CSV),
    )
    def cases_csv(chosen: Selected) -> StreamingResponse:
        lines = csv_lines(_COLUMNS, map(_cells, _all_cases(queries, chosen)))
        return StreamingResponse(lines, media_type=openapi.CSV, headers=saved_as("cases.csv"))

    return routes


def _all_cases(queries: Queries, chosen: Selection) -> Iterator[CaseSummary]:
    """By case id, so that a case that changes meanwhile is neither skipped nor repeated."""
    after: PageMark | None = None
    while rows := queries.results.page(chosen, Order.CASE, _CSV_PAGE, after):
        yield from (shown for _, shown in rows)
        after = rows[-1][0]


def _cells(case: CaseSummary) -> tuple[object, ...]:
    risk = case.risk if case.HasField("risk") else None
    return (
        case.case_id,
        standing(case.state, case.certainty),
        case.certainty,
        case.risk_group,
        *((risk.horizon_years, risk.risk, risk.lo, risk.hi, risk.level) if risk else ("",) * 5),
        " ".join(case.flags),
        " ".join(case.reasons),
        case.site_id,
        case.updated_at.ToJsonString(),
    )
