"""Route of refused uploads whose keys name no case."""

from typing import Any

from fastapi import APIRouter
from google.protobuf.json_format import MessageToDict

from services.results import openapi
from services.results.ports import ResultStore
from services.results.refused import RefusedUploads
from shared.blob.port import BlobStore

MOST = 50
_ANSWER = {
    "type": "object",
    "properties": {"refused": {"type": "array", "items": openapi.reference("SlideRejected")}},
}


def refused_routes(results: ResultStore, blobs: BlobStore) -> APIRouter:
    """Everything below /refused."""
    routes = APIRouter(prefix="/refused", tags=["refused"])
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": "Found", "content": {"application/json": {"schema": _ANSWER}}}
    }

    @routes.get("", responses=answers, summary=f"Refused uploads that name no case and still stand, {MOST} at most")
    def list_refused() -> dict[str, Any]:
        rejections = RefusedUploads(blobs, results).current(MOST)
        return {"refused": [MessageToDict(rejection, preserving_proto_field_name=True) for rejection in rejections]}

    return routes
