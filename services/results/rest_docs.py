"""Route of the page that shows the OpenAPI description, without the network and without a login."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse


def docs_routes(page: Path) -> APIRouter:
    """The one page; its files are those of `page`."""
    routes = APIRouter(prefix="/api", include_in_schema=False)

    @routes.get("/docs")
    def docs() -> FileResponse:
        return FileResponse(page / "api" / "docs.html")

    return routes
