"""Route of refused uploads whose keys name no case and which no case can show."""

from typing import Any

from fastapi import APIRouter
from google.protobuf.json_format import MessageToDict
from medulla.v1.events_pb2 import SlideRejected

from services.results import openapi
from services.results.ports import ResultStore
from shared.blob.port import BlobStore
from shared.errors import PermanentError

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
        latest = {one.object_key: one for one in reversed(results.refused(MOST))}
        standing = [one for one in reversed(latest.values()) if _stands(one, blobs)]
        return {"refused": [MessageToDict(one, preserving_proto_field_name=True) for one in standing]}

    return routes


def _stands(rejection: SlideRejected, blobs: BlobStore) -> bool:
    """Whether the object is still there; moved to a case's folder it is no longer refused."""
    try:
        return blobs.head(rejection.object_key) is not None
    except PermanentError:
        return True
