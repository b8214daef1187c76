"""Small gRPC services and their clients."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import grpc
from medulla.v1 import scorer_pb2, scorer_pb2_grpc, tiles_pb2, tiles_pb2_grpc
from prometheus_client import REGISTRY

from shared.errors import PoisonMessageError
from shared.rpc.client import channel, raise_as_medulla
from shared.rpc.server import GrpcServer

SCORE_CASE = "/medulla.v1.ScorerService/ScoreCase"
STREAM_TILES = "/medulla.v1.TileService/StreamTiles"


class Scorer(scorer_pb2_grpc.ScorerServiceServicer):
    """Does what `behave` does."""

    def __init__(self, behave: Callable[[grpc.ServicerContext], object]) -> None:
        self._behave = behave

    def ScoreCase(  # noqa: N802 - the name in the proto
        self, request: scorer_pb2.ScoreCaseRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ScoreCaseResponse:
        self._behave(context)
        return scorer_pb2.ScoreCaseResponse(score=scorer_pb2.Score(case_id=request.case_id))

    def DescribeForm(  # noqa: N802 - the name in the proto
        self, request: scorer_pb2.DescribeFormRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.DescribeFormResponse:
        raise NotImplementedError


class OnlyStreams(tiles_pb2_grpc.TileServiceServicer):
    """A tiler that shows nothing to viewers."""

    def DescribeSlide(  # noqa: N802 - the name in the proto
        self, request: tiles_pb2.DescribeSlideRequest, context: grpc.ServicerContext
    ) -> tiles_pb2.DescribeSlideResponse:
        raise NotImplementedError

    def ReadRegion(  # noqa: N802 - the name in the proto
        self, request: tiles_pb2.ReadRegionRequest, context: grpc.ServicerContext
    ) -> tiles_pb2.ReadRegionResponse:
        raise NotImplementedError


class Tiles(OnlyStreams):
    """Sends chunks of `size` bytes and fails after `failing_after` of them."""

    def __init__(self, size: int = 10, failing_after: int | None = None) -> None:
        self._size, self._failing_after = size, failing_after
        self.closed = Event()

    def StreamTiles(  # noqa: N802 - the name in the proto
        self,
        request: tiles_pb2.StreamTilesRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - the generated signature
    ) -> Iterator[tiles_pb2.StreamTilesResponse]:
        try:
            for index in range(request.first_chunk, 1000):
                if index == self._failing_after:
                    raise PoisonMessageError("chunk 3 is garbled")
                yield tiles_pb2.StreamTilesResponse(chunk=tiles_pb2.TileChunk(index=index, pixels=[b"x" * self._size]))
        finally:
            self.closed.set()


@contextmanager
def serving(register: Callable[[grpc.Server], None], **options: Any) -> Iterator[int]:
    server = GrpcServer("127.0.0.1:0", register, **{"grace_s": 2, **options})
    stop = Event()
    thread = Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield server.port
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def serving_scorer(behave: Callable[[grpc.ServicerContext], object], **options: Any) -> Iterator[int]:
    def register(server: grpc.Server) -> None:
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(Scorer(behave), server)

    with serving(register, **options) as port:
        yield port


@contextmanager
def serving_tiles(servicer: Tiles, **options: Any) -> Iterator[int]:
    with serving(lambda server: tiles_pb2_grpc.add_TileServiceServicer_to_server(servicer, server), **options) as port:
        yield port


def raising(error: Exception) -> Callable[[grpc.ServicerContext], object]:
    def behave(_: grpc.ServicerContext) -> object:
        raise error

    return behave


def ask(port: int, case_id: str = "c1", **options: Any) -> scorer_pb2.Score:
    with channel(f"127.0.0.1:{port}", **options) as opened:
        try:
            return (
                scorer_pb2_grpc.ScorerServiceStub(opened).ScoreCase(scorer_pb2.ScoreCaseRequest(case_id=case_id)).score
            )
        except grpc.RpcError as error:
            raise_as_medulla(error)


def counted(method: str, code: str) -> float:
    return REGISTRY.get_sample_value("medulla_rpcs_total", {"method": method, "code": code}) or 0.0
