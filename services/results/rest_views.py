"""Route of who looked at which case, for operators."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import TypeAdapter

from services.results import openapi
from services.results.viewing import View, ViewStore

MOST = 1000
_TEXT = Query(max_length=200)
_VIEW = openapi.record(
    at=openapi.TEXT | {"format": "date-time"},
    **dict.fromkeys(("subject", "name", "case_id", "what"), openapi.TEXT),
)
_ANSWER = openapi.record(**openapi.columns("views", items=_VIEW))
_VIEWS = TypeAdapter(list[View])


def view_routes(store: ViewStore) -> APIRouter:
    """The one route."""
    routes = APIRouter(prefix="/audit", tags=["audit"])
    summary = f"Who looked at which case, the latest first, {MOST} at most"

    @routes.get("/views", summary=summary, response_model=None, responses=openapi.answers(_ANSWER))
    def views(case_id: Annotated[str, _TEXT] = "", subject: Annotated[str, _TEXT] = "") -> dict[str, Any]:
        return {"views": _VIEWS.dump_python(store.views(case_id, subject, MOST), mode="json")}

    return routes
