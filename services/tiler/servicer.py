"""TileService: translates requests to chunks."""

from collections.abc import Iterator

import grpc
from medulla.v1.tiles_pb2 import StreamTilesRequest, StreamTilesResponse
from medulla.v1.tiles_pb2_grpc import TileServiceServicer

from services.tiler.bounded_streams import Stream


class TileServicer(TileServiceServicer):
    """Serves streams; each ends when its caller hangs up."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def StreamTiles(  # noqa: N802 - named by the proto
        self, request: StreamTilesRequest, context: grpc.ServicerContext
    ) -> Iterator[StreamTilesResponse]:
        """Stream the plan's chunks."""
        for chunk in self._stream(request.slide, request.plan, request.first_chunk):
            if not context.is_active():
                return
            yield StreamTilesResponse(chunk=chunk)
