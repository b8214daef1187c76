"""Pixels of slides from the tiler's gRPC; a call ends when nobody waits for its answer any more."""

from typing import Protocol, TypeVar

import grpc
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.tiles_pb2 import (
    VIEW_STATE_READY,
    DescribeSlideRequest,
    DescribeSlideResponse,
    ReadRegionRequest,
    ReadRegionResponse,
)
from medulla.v1.tiles_pb2_grpc import TileServiceStub

from services.results.deep_zoom import DeepZoom, Square
from services.results.slide_pixels import IsWanted, refused
from shared.errors import PermanentError, TransientError
from shared.rpc.client import as_medulla

Answer_co = TypeVar("Answer_co", covariant=True)
_DEADLINE_S = 20.0
"""Of one call; the first one of a slide opens it."""
_LOOK_EVERY_S = 0.1
"""How often a call in flight is checked for whether its answer is still wanted."""


class GrpcPixels:
    """`TileService.DescribeSlide` and `ReadRegion`; the caller closes the channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = TileServiceStub(channel)

    def describe(self, slide: Slide, plan: Plan) -> DeepZoom | None:
        """See SlidePixels."""
        request = DescribeSlideRequest(slide=slide, plan=plan)
        answer: DescribeSlideResponse = _result(self._stub.DescribeSlide.future(request, timeout=_DEADLINE_S))
        ready = answer.state == VIEW_STATE_READY
        return DeepZoom(answer.width_px, answer.height_px, answer.tile_px) if ready else None

    def read(self, slide: Slide, plan: Plan, square: Square, is_wanted: IsWanted) -> bytes:
        """See SlidePixels."""
        request = ReadRegionRequest(
            slide=slide,
            plan=plan,
            x_px=square.x_px,
            y_px=square.y_px,
            width_px=square.width_px,
            height_px=square.height_px,
            out_width_px=square.out_width_px,
            out_height_px=square.out_height_px,
        )
        answer: ReadRegionResponse = _result(self._stub.ReadRegion.future(request, timeout=_DEADLINE_S), is_wanted)
        return answer.jpeg


class _Call(Protocol[Answer_co]):
    """A call in flight."""

    def result(self, timeout: float) -> Answer_co:
        """Wait for the answer."""

    def cancel(self) -> bool:
        """End the call."""


def _always() -> bool:
    return True


def _result(call: _Call[Answer_co], is_wanted: IsWanted = _always) -> Answer_co:
    """The answer of a call, which is cancelled once it is not wanted."""
    while True:
        try:
            return call.result(_LOOK_EVERY_S)
        except grpc.FutureTimeoutError:
            if not is_wanted():
                call.cancel()
                raise TransientError("nobody waits for this part of the slide any more") from None
        except grpc.RpcError as error:
            meaning = as_medulla(error)
            raise (refused(meaning) if isinstance(meaning, PermanentError) else meaning) from error
