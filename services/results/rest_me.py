"""Route that tells a caller who it is, so that the page shows what its roles allow."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.results import openapi
from shared.rpc.auth import Principal

_CALLER = openapi.record(subject=openapi.TEXT, name=openapi.TEXT, **openapi.columns("roles", items=openapi.TEXT))


def me_routes(who: Callable[[Request], Principal]) -> APIRouter:
    """The one route; `who` is the caller of a request."""
    routes = APIRouter(tags=["page"])

    answers = openapi.answers(_CALLER)

    @routes.get("/me", summary="Subject, name and roles of the caller", response_model=None, responses=answers)
    def me(caller: Annotated[Principal, Depends(who)]) -> dict[str, Any]:
        return {"subject": caller.subject, "name": caller.name, "roles": sorted(caller.roles)}

    return routes
