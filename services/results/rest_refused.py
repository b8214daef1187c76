"""Route of refused uploads whose keys name no case."""

from typing import Any

from fastapi import APIRouter
from google.protobuf.json_format import MessageToDict

from services.results import openapi
from services.results.ports import ResultStore
from services.results.refused import RefusedUploads
from shared.blob.port import BlobStore

MOST = 50
_ANSWER = openapi.record(**openapi.columns("refused", items=openapi.reference("SlideRejected")))


def refused_routes(results: ResultStore, blobs: BlobStore) -> APIRouter:
    """Everything below /refused."""
    routes = APIRouter(prefix="/refused", tags=["refused"])
    summary = f"Refused uploads that name no case and still stand, {MOST} at most"

    @routes.get("", responses=openapi.answers(_ANSWER), response_model=None, summary=summary)
    def list_refused() -> dict[str, Any]:
        rejections = RefusedUploads(blobs, results).current(MOST)
        return {"refused": [MessageToDict(rejection, preserving_proto_field_name=True) for rejection in rejections]}

    return routes
