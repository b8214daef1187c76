"""Routes of slides' pixels: Deep Zoom."""

from typing import Annotated

import anyio
from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, Response

from services.results import openapi
from services.results.deep_zoom import FORMAT
from services.results.viewer import Viewer

Digest = Annotated[str, PathParameter(pattern="^[0-9a-f]{64}$", description="SHA-256 of the slide's bytes")]
_FETCHING = {"state": "fetching"}
_RETRY_SECONDS = "2"
_FOR_A_DAY = "private, max-age=86400, immutable"
"""In the browser alone: a square of a digest never changes, but after an erasure no browser may keep it for long."""
_LATER = openapi.answers(openapi.record(state=openapi.TEXT), status=202)
"""The slide is being fetched: ask again."""
_DZI = openapi.answers(openapi.TEXT, "application/xml") | _LATER
_SQUARE: openapi.Responses = (
    openapi.answers(openapi.BYTES, "image/jpeg") | _LATER | {304: {"description": "The square that the client has"}}
)


def slide_routes(viewer: Viewer) -> APIRouter:
    """Everything below /slides."""
    routes = APIRouter(prefix="/slides", tags=["slides"])

    @routes.get("/{digest}.dzi", summary="A slide as a Deep Zoom Image", response_class=Response, responses=_DZI)
    def describe(digest: Digest) -> Response:
        size = viewer.describe(digest)
        return Response(size.xml(), media_type="application/xml") if size else _fetching()

    path = f"/{{digest}}_files/{{level}}/{{column}}_{{row}}.{FORMAT}"

    @routes.get(path, summary="One square of a slide", response_class=Response, responses=_SQUARE)
    def square(request: Request, digest: Digest, level: int, column: int, row: int) -> Response:
        tag = viewer.tag(digest, level, column, row)
        headers = {"ETag": tag, "Cache-Control": _FOR_A_DAY, "Vary": "Authorization"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        picture = viewer.square(digest, level, column, row, lambda: _is_connected(request))
        return Response(picture, media_type="image/jpeg", headers=headers) if picture is not None else _fetching()

    return routes


def _fetching() -> Response:
    return JSONResponse(_FETCHING, 202, headers={"Retry-After": _RETRY_SECONDS})


def _is_connected(request: Request) -> bool:
    """Whether the client still waits, asked from a worker thread."""
    return not anyio.from_thread.run(request.is_disconnected)
