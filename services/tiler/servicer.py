"""TileService: translates requests to chunks and regions."""

from collections.abc import Iterator
from typing import Any

import grpc
from medulla.v1.tiles_pb2 import (
    DESCRIPTOR,
    VIEW_STATE_FETCHING,
    VIEW_STATE_READY,
    DescribeSlideRequest,
    DescribeSlideResponse,
    ReadRegionRequest,
    ReadRegionResponse,
    StreamTilesRequest,
)

from services.tiler.bounded_streams import Stream
from services.tiler.chunk_message import encode
from services.tiler.errors import FetchingError
from services.tiler.ports import Region
from services.tiler.region import viewer_px
from services.tiler.regions import ReadRegions

_SERVICE = DESCRIPTOR.services_by_name["TileService"]


class TileServicer:
    """Serves streams and regions; each ends when its caller hangs up."""

    def __init__(self, stream: Stream, regions: ReadRegions) -> None:
        self._stream = stream
        self._regions = regions

    def StreamTiles(  # noqa: N802 - named by the proto
        self, request: StreamTilesRequest, context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        """Stream the plan's chunks, each a StreamTilesResponse."""
        for chunk in self._stream(request.slide, request.plan, request.first_chunk):
            if not context.is_active():
                return
            yield encode(chunk)

    def DescribeSlide(  # noqa: N802 - named by the proto
        self, request: DescribeSlideRequest, context: grpc.ServicerContext
    ) -> DescribeSlideResponse:
        """Open a slide and describe it."""
        with self._regions.slot():
            if not context.is_active():
                return DescribeSlideResponse()
            try:
                layout = self._regions.describe(request.slide, request.plan)
            except FetchingError:
                return DescribeSlideResponse(state=VIEW_STATE_FETCHING)
        return DescribeSlideResponse(
            state=VIEW_STATE_READY,
            width_px=layout.width_px,
            height_px=layout.height_px,
            tile_px=viewer_px(layout),
        )

    def ReadRegion(  # noqa: N802 - named by the proto
        self, request: ReadRegionRequest, context: grpc.ServicerContext
    ) -> ReadRegionResponse:
        """Read one rectangle."""
        region = Region(
            x_px=request.x_px,
            y_px=request.y_px,
            width_px=request.width_px,
            height_px=request.height_px,
            out_width_px=request.out_width_px,
            out_height_px=request.out_height_px,
        )
        with self._regions.slot():
            if not context.is_active():
                return ReadRegionResponse()
            return ReadRegionResponse(jpeg=self._regions.read(request.slide, request.plan, region))


def add_tile_service(servicer: TileServicer, server: grpc.Server) -> None:
    """Add the service to a server; unlike the generated function, it sends the bytes of StreamTiles as they are."""
    unary = grpc.unary_unary_rpc_method_handler
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "StreamTiles": grpc.unary_stream_rpc_method_handler(servicer.StreamTiles, StreamTilesRequest.FromString),
        "DescribeSlide": unary(
            servicer.DescribeSlide, DescribeSlideRequest.FromString, DescribeSlideResponse.SerializeToString
        ),
        "ReadRegion": unary(servicer.ReadRegion, ReadRegionRequest.FromString, ReadRegionResponse.SerializeToString),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE.full_name, handlers),))
