"""TileService: translates requests to chunks and regions."""

import hashlib
from collections.abc import Iterator

import grpc
from medulla.v1.tiles_pb2 import (
    TILE_ENCODING_RAW_UINT8,
    VIEW_STATE_FETCHING,
    VIEW_STATE_READY,
    DescribeSlideRequest,
    DescribeSlideResponse,
    ReadRegionRequest,
    ReadRegionResponse,
    StreamTilesRequest,
    StreamTilesResponse,
)
from medulla.v1.tiles_pb2_grpc import TileServiceServicer

from services.tiler.bounded_streams import Stream
from services.tiler.chunks import DecodedChunk
from services.tiler.errors import FetchingError
from services.tiler.ports import Region
from services.tiler.region import viewer_px
from services.tiler.regions import ReadRegions


class TileServicer(TileServiceServicer):
    """Serves streams and regions; each ends when its caller hangs up."""

    def __init__(self, stream: Stream, regions: ReadRegions) -> None:
        self._stream = stream
        self._regions = regions

    def StreamTiles(  # noqa: N802 - named by the proto
        self, request: StreamTilesRequest, context: grpc.ServicerContext
    ) -> Iterator[StreamTilesResponse]:
        """Stream the plan's chunks."""
        for chunk in self._stream(request.slide, request.plan, request.first_chunk):
            if not context.is_active():
                return
            yield response_of(chunk)

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


def response_of(chunk: DecodedChunk) -> StreamTilesResponse:
    """The message of a chunk; as one call, because a message that is put into another is written and parsed first."""
    pixels = chunk.pixels.tobytes()
    return StreamTilesResponse(
        chunk={
            "index": chunk.index,
            "encoding": TILE_ENCODING_RAW_UINT8,
            "pixels": [pixels],
            "tiles": chunk.tiles.tolist(),
            "corrupt": chunk.corrupt.tolist(),
            "digest": hashlib.sha256(pixels).hexdigest(),
        }
    )
