"""Routes of the guide, for `medulla up`: rendered when first asked for, without the network and without a login."""

from functools import cache
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from services.standalone.guide_site import INDEX, Guide

PREFIX = "/guide"


def guide_routes(guide: Guide, stylesheet: Path) -> APIRouter:
    """Pages, pictures, notebooks and the search index; `stylesheet` is that of the results page."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)
    files = {path.relative_to(guide.folder).as_posix(): path for path in guide.assets()}
    files[stylesheet.name] = stylesheet
    page = cache(guide.page)

    @routes.get("")
    def start() -> RedirectResponse:
        return RedirectResponse(f"{PREFIX}/")

    @routes.get("/")
    def index() -> HTMLResponse:
        return HTMLResponse(page("index"))

    @routes.get(f"/{INDEX}")
    def search_index() -> Response:
        return Response(guide.search_index(), media_type="application/json")

    @routes.get("/{path:path}")
    def read(path: str) -> Response:
        if path in files:
            return FileResponse(files[path], filename=_saved_as(files[path]))
        name = path.removesuffix(".html")
        if name == path or name not in guide.texts:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return HTMLResponse(page(name))

    return routes


def _saved_as(file: Path) -> str | None:
    """The name under which a browser saves a notebook; None for what it shows."""
    return file.name if file.suffix == ".ipynb" else None
