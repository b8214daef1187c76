"""Routes of the layers over a scored slide: tissue, the quality of tiles, prototypes and composition."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from services.results import openapi
from services.results.slide_layers import SlideLayers

_MASK = "Tissue mask of a slide's plan: 0 background, 64 unreadable, 128 pen, 255 tissue"
_TILES = openapi.record(
    **openapi.columns("classes", items=openapi.TEXT),
    **openapi.columns("rows", items=openapi.TEXT | {"description": "A digit for each place: the index of its class"}),
    square_width_px=openapi.NUMBER,
    square_height_px=openapi.NUMBER,
    merged=openapi.INTEGER | {"description": "Tiles per side of a place"},
)
_PROTOTYPE = openapi.INTEGER | {"description": "Number of one of the score's prototypes"}
_PROTOTYPES = openapi.squares(**openapi.columns("prototype", items=_PROTOTYPE))
_CLASS = openapi.INTEGER | {"description": "Index of one of the score's composition_classes"}
_COMPOSITION = openapi.squares(**openapi.columns("class", items=_CLASS))


def layer_routes(layers: SlideLayers) -> APIRouter:
    """Layers below /cases/{case_id}/slides/{slide_id}."""
    routes = APIRouter(prefix="/cases/{case_id}/slides/{slide_id}", tags=["cases"])

    mask_answers = openapi.answers(openapi.BYTES, "image/png")

    @routes.get("/tissue", summary=_MASK, response_class=Response, responses=mask_answers)
    def tissue(case_id: str, slide_id: str) -> Response:
        mask = layers.tissue(case_id, slide_id)
        return Response(mask.data, media_type=mask.media_type)

    @routes.get("/tiles", summary="What became of every place of a slide's grid", responses=openapi.answers(_TILES))
    def tiles(case_id: str, slide_id: str) -> Response:
        return JSONResponse(layers.tiles(case_id, slide_id).as_json())

    prototype_answers = openapi.answers(_PROTOTYPES)

    @routes.get("/prototypes", summary="The prototype of every tile, level-0 pixels", responses=prototype_answers)
    def prototypes(case_id: str, slide_id: str) -> Response:
        return JSONResponse(layers.members(case_id, slide_id, "prototypes").as_json("prototype"))

    composition_answers = openapi.answers(_COMPOSITION)

    @routes.get("/composition", summary="The likeliest class of every tile", responses=composition_answers)
    def composition(case_id: str, slide_id: str) -> Response:
        return JSONResponse(layers.members(case_id, slide_id, "composition").as_json("class"))

    return routes
