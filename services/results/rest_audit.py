"""Route that checks the audit record; for operators."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from services.results import openapi
from services.results.ports import ResultStore

_REPORT = openapi.record(
    entries=openapi.INTEGER,
    head=openapi.TEXT,
    problem=openapi.TEXT,
    checkpoint=openapi.INTEGER,
    unverified=openapi.INTEGER,
    intact={"type": "boolean"},
)


def audit_routes(results: ResultStore) -> APIRouter:
    """Everything below /audit."""
    routes = APIRouter(prefix="/audit", tags=["audit"])

    summary = (
        "Verify the audit record from its last checkpoint on; note `head` elsewhere to see later that none was cut off"
    )

    @routes.get("/verify", summary=summary, response_model=None, responses=openapi.answers(_REPORT))
    def verify() -> dict[str, Any]:
        report = results.verify_chain()
        return asdict(report) | {"intact": report.intact}

    return routes
