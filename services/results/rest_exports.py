"""Routes that give a case's current score as a file for people and other systems.

Their writers are loaded when a file is first wanted, as their libraries take seconds to load.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from services.results import openapi
from services.results.exports import Exports
from services.results.saved_file import saved_as
from shared.export import geojson

PDF, FHIR, DICOM = "application/pdf", "application/fhir+json", "application/dicom"
_JSON: openapi.Schema = {"type": "object"}
SlideName = Annotated[str, Query(alias="slide", max_length=64, description="Needed if the model looked at several")]
MostTiles = Annotated[int, Query(alias="most", ge=1, le=geojson.MOST_TILES, description="The most attended tiles")]


def export_routes(exports: Exports) -> APIRouter:
    """Everything below /cases/{case_id} that leaves the house."""
    routes = APIRouter(prefix="/cases", tags=["exports"])
    _add_reports(routes, exports)
    _add_attention(routes, exports)
    return routes


def _add_reports(routes: APIRouter, exports: Exports) -> None:
    @routes.get("/{case_id}/report.pdf", summary="Two pages for people, tagged PDF", **_file(PDF))
    def pdf(case_id: str) -> Response:
        from shared.export.pdf.report import pdf_report

        data = pdf_report(exports.case(case_id))
        return Response(data, media_type=PDF, headers=saved_as(f"{case_id}.pdf"))

    @routes.get("/{case_id}/fhir", summary="FHIR R4 document", **_file(FHIR, _JSON))
    def fhir(case_id: str) -> Response:
        from shared.export.fhir.document import fhir_document

        return Response(fhir_document(exports.case(case_id)), media_type=FHIR)

    @routes.get("/{case_id}/report.dcm", summary="DICOM structured report", **_file(DICOM))
    def dicom(case_id: str) -> Response:
        from shared.export.dicom.structured_report import structured_report

        data = structured_report(exports.case(case_id))
        return Response(data, media_type=DICOM, headers=saved_as(f"{case_id}.dcm"))


def _add_attention(routes: APIRouter, exports: Exports) -> None:
    @routes.get(
        "/{case_id}/attention.geojson",
        summary="Attention on a slide for QuPath: a feature collection of tiles in level-0 pixels",
        **_file(geojson.MEDIA_TYPE, _JSON),
    )
    def attention(case_id: str, slide_id: SlideName = "", most: MostTiles = geojson.MOST_TILES) -> Response:
        file = geojson.attention_geojson(exports.case(case_id), slide_id, most)
        name = f"{case_id}.{file.slide.slide_id}.geojson"
        return StreamingResponse(file.chunks(), media_type=geojson.MEDIA_TYPE, headers=saved_as(name))

    @routes.get("/{case_id}/attention.dcm", summary="Attention on a DICOM slide as parametric map", **_file(DICOM))
    def parametric_map(case_id: str, slide_id: SlideName = "") -> Response:
        from shared.export.dicom.attention_map import attention_map

        case = exports.case(case_id)
        slide = case.mapped_slide(slide_id)
        data = attention_map(case, slide)
        return Response(data, media_type=DICOM, headers=saved_as(f"{case_id}.{slide.slide_id}.dcm"))


def _file(media_type: str, schema: openapi.Schema | None = None) -> dict[str, Any]:
    """How a route is described whose answer is a file; `schema` if it is JSON."""
    return {
        "responses": openapi.answers(schema or openapi.BYTES, media_type),
        "response_class": Response,
    }
