"""Route of progress as server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.results.progress_feed import Feed
from services.results.sse import Rhythm, begun, stream
from shared import keys


def progress_routes(feed: Feed, rhythm: Rhythm) -> APIRouter:
    """The one stream."""
    routes = APIRouter(tags=["progress"])

    @routes.get("/progress", response_class=StreamingResponse, summary="Progress and changed cases as they happen")
    async def progress(case_id: Annotated[str, Query(description="Empty for all cases")] = "") -> StreamingResponse:
        if case_id:
            keys.named_case(case_id, "the request")
        flow = await begun(stream(feed, case_id, rhythm))
        return StreamingResponse(flow, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return routes
