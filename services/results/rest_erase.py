"""Route that erases a case; for operators."""

from datetime import UTC, datetime
from http import HTTPStatus

from fastapi import APIRouter

from services.results import openapi
from shared import erased, keys
from shared.bus.events import to_record
from shared.bus.port import Producer

_SOURCE = "results"
_ERASING = openapi.record(case_id=openapi.TEXT, state=openapi.TEXT)


def erase_routes(producer: Producer) -> APIRouter:
    """DELETE below /cases: publishes the request to all services that store data of the case."""
    routes = APIRouter(prefix="/cases", tags=["cases"])

    accepted, summary = HTTPStatus.ACCEPTED, "Erase a case for good, wherever it is kept"
    responses = openapi.answers(_ERASING, status=accepted)

    @routes.delete("/{case_id}", status_code=accepted, summary=summary, response_model=None, responses=responses)
    def erase(case_id: str) -> dict[str, str]:
        case = keys.named_case(case_id, "the request")
        request = erased.request(case, "operator", datetime.now(UTC).isoformat())
        producer.send([to_record(request, _SOURCE)])
        return {"case_id": case, "state": "erasing"}

    return routes
