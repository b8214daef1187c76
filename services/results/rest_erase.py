"""Route that erases a case; for operators."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter

from shared import keys
from shared.units import CaseId


def erase_routes(ask: Callable[[CaseId], None]) -> APIRouter:
    """DELETE below /cases; `ask` publishes the request, which every service that keeps something of the case obeys."""
    routes = APIRouter(prefix="/cases", tags=["cases"])

    @routes.delete("/{case_id}", status_code=HTTPStatus.ACCEPTED, summary="Erase a case for good, wherever it is kept")
    def erase(case_id: str) -> dict[str, str]:
        case = keys.case_id(case_id, "the request")
        ask(case)
        return {"case_id": case, "state": "erasing"}

    return routes
