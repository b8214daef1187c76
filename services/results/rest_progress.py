"""Route of progress as server-sent events."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from services.results import openapi
from services.results.progress_feed import Feed
from services.results.sse import Rhythm, begun, stream
from shared import keys

_EVENTS = "text/event-stream"
_KINDS = {"enum": ["progress", "case", "over", "erased", "unauthorized"]}
_EVENT = openapi.record(event=_KINDS, data=openapi.TEXT, id=openapi.TEXT) | {"required": ["event", "data"]}


def progress_routes(feed: Feed, rhythm: Rhythm, admit: Callable[[Request], object]) -> APIRouter:
    """The one stream; `admit` raises once the caller of its request is refused."""
    routes = APIRouter(tags=["progress"])

    summary, stream_answers = "Progress and changed cases as they happen", openapi.answers(_EVENT, _EVENTS)

    @routes.get("/progress", response_class=StreamingResponse, responses=stream_answers, summary=summary)
    async def progress(
        request: Request, case_id: Annotated[str, Query(description="Empty for all cases")] = ""
    ) -> StreamingResponse:
        if case_id:
            keys.named_case(case_id, "the request")
        flow = await begun(stream(feed, case_id, rhythm, partial(admit, request)))
        return StreamingResponse(flow, media_type=_EVENTS, headers={"X-Accel-Buffering": "no"})

    return routes
