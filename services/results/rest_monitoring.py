"""Route of what monitoring found of bundles: whether their risks come true."""

from typing import Any

from fastapi import APIRouter
from pydantic import TypeAdapter

from services.results import openapi
from services.results.monitored_bundles import MonitoredBundles
from shared.monitoring import Standing

_STANDINGS = TypeAdapter(list[Standing])
_ANSWER = openapi.record(bundles={"type": "array", "items": {"type": "object"}})


def monitoring_routes(monitored: MonitoredBundles) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["page"])
    summary = "Whether outcomes go with the scores of each bundle, as `medulla monitor --publish` found it"

    @routes.get("/monitoring", summary=summary, response_model=None, responses=openapi.answers(_ANSWER))
    def monitoring() -> dict[str, Any]:
        promoted = monitored.promoted()
        bundles = _STANDINGS.dump_python(monitored.all(), mode="json")
        return {"bundles": [each | {"promoted": each["bundle"] == promoted} for each in bundles]}

    return routes
