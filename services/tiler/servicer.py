"""TileService: translates requests to chunks, and bounds how many streams are open."""

from collections.abc import Callable, Iterator
from threading import BoundedSemaphore

import grpc
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.tiles_pb2 import StreamTilesRequest, StreamTilesResponse, TileChunk
from medulla.v1.tiles_pb2_grpc import TileServiceServicer

from services.tiler.errors import TooManyStreamsError
from shared import metrics

Stream = Callable[[Slide, Plan, int], Iterator[TileChunk]]


class TileServicer(TileServiceServicer):
    """Serves at most `max_streams` streams at once; each ends when its caller hangs up."""

    def __init__(self, stream: Stream, max_streams: int) -> None:
        self._stream = stream
        self._places = BoundedSemaphore(max_streams)
        self._max_streams = max_streams

    def StreamTiles(  # noqa: N802 - named by the proto
        self, request: StreamTilesRequest, context: grpc.ServicerContext
    ) -> Iterator[StreamTilesResponse]:
        """Stream the plan's chunks."""
        if not self._places.acquire(blocking=False):
            raise TooManyStreamsError(f"{self._max_streams} streams are open, which is all this tiler serves")
        try:
            with metrics.STREAMS_IN_FLIGHT.track_inprogress():
                yield from self._chunks(request, context)
        finally:
            self._places.release()

    def _chunks(self, request: StreamTilesRequest, context: grpc.ServicerContext) -> Iterator[StreamTilesResponse]:
        for chunk in self._stream(request.slide, request.plan, request.first_chunk):
            if not context.is_active():
                return
            yield StreamTilesResponse(chunk=chunk)
