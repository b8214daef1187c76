"""Route that tells by which bundle scores are made, and why a newer one is not used."""

from typing import Any

from fastapi import APIRouter

from services.results import openapi
from shared.blob.port import BlobStore
from shared.bundle_in_use import BundleInUse

_ANSWER = openapi.record(name=openapi.TEXT, digest=openapi.TEXT, since=openapi.TEXT, refused=openapi.TEXT)


def bundle_routes(blobs: BlobStore) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["page"])
    summary = "The bundle that scores are made by; `refused` says why a newer one is not used. Empty before the first"

    @routes.get("/bundle", summary=summary, response_model=None, responses=openapi.answers(_ANSWER))
    def bundle() -> dict[str, Any]:
        stored = BundleInUse.stored(blobs)
        if stored is None:
            return dict.fromkeys(("name", "digest", "since", "refused"), "")
        since = stored.since.isoformat()
        return {"name": stored.name, "digest": stored.digest, "since": since, "refused": stored.refused}

    return routes
