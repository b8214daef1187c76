"""Routes of the layers over a scored slide: tissue, and the quality of tiles."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from services.results.slide_layers import SlideLayers

_MASK: dict[int | str, dict[str, Any]] = {
    200: {"description": "0 background, 64 unreadable, 128 pen, 255 tissue", "content": {"image/png": {}}}
}
_NUMBER = {"type": "number"}
_TILES = {
    "type": "object",
    "properties": {
        "classes": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "string", "description": "A digit a place: index of its class"}},
        "square_width_px": _NUMBER,
        "square_height_px": _NUMBER,
        "merged": {"type": "integer", "description": "Tiles per side of a place"},
    },
}
_CLASSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Found", "content": {"application/json": {"schema": _TILES}}}
}


def layer_routes(layers: SlideLayers) -> APIRouter:
    """Layers below /cases/{case_id}/slides/{slide_id}."""
    routes = APIRouter(prefix="/cases/{case_id}/slides/{slide_id}", tags=["cases"])

    @routes.get("/tissue", summary="Tissue mask of a slide's plan", response_class=Response, responses=_MASK)
    def tissue(case_id: str, slide_id: str) -> Response:
        mask = layers.tissue(case_id, slide_id)
        return Response(mask.data, media_type=mask.media_type)

    @routes.get("/tiles", summary="What became of every place of a slide's grid", responses=_CLASSES)
    def tiles(case_id: str, slide_id: str) -> Response:
        return JSONResponse(layers.tiles(case_id, slide_id).as_json())

    return routes
