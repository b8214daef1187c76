"""Routes that give a case's current score as a file for people and other systems."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from services.results.exports import Exports
from shared.export import geojson
from shared.export.fhir import document
from shared.export.pdf import report

SlideName = Annotated[str, Query(alias="slide", max_length=64, description="Needed if the model looked at several")]
MostTiles = Annotated[int, Query(alias="most", ge=1, le=geojson.MOST_TILES, description="The most attended tiles")]


def export_routes(exports: Exports) -> APIRouter:
    """Everything below /cases/{case_id} that leaves the house."""
    routes = APIRouter(prefix="/cases", tags=["exports"])

    @routes.get(
        "/{case_id}/attention.geojson",
        responses=_file(geojson.MEDIA_TYPE),
        response_class=StreamingResponse,
        summary="Attention on a slide for QuPath: a feature collection of tiles in level-0 pixels",
    )
    def attention(case_id: str, slide_id: SlideName = "", most: MostTiles = geojson.MOST_TILES) -> StreamingResponse:
        file = geojson.attention_geojson(exports.case(case_id), slide_id, most)
        name = f"{case_id}.{file.slide.slide_id}.geojson"
        return StreamingResponse(file.chunks(), media_type=geojson.MEDIA_TYPE, headers=_saved_as(name))

    @routes.get(
        "/{case_id}/report.pdf",
        responses=_file(report.MEDIA_TYPE),
        response_class=Response,
        summary="Two pages, PDF/UA",
    )
    def pdf(case_id: str) -> Response:
        file = report.pdf_report(exports.case(case_id))
        return Response(file, media_type=report.MEDIA_TYPE, headers=_saved_as(f"{case_id}.pdf"))

    @routes.get(
        "/{case_id}/fhir", responses=_file(document.MEDIA_TYPE), response_class=Response, summary="FHIR R4 document"
    )
    def fhir(case_id: str) -> Response:
        return Response(document.fhir_document(exports.case(case_id)), media_type=document.MEDIA_TYPE)

    return routes


def _saved_as(name: str) -> dict[str, str]:
    """A header by which a browser saves the file; ids of cases and slides need no escapes."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "The file", "content": {media_type: {}}}}
