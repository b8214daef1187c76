"""Tiles over a real gRPC stream that breaks off, is full, or is refused."""

import select
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import grpc
import pytest
from medulla.v1.tiles_pb2 import StreamTilesRequest, StreamTilesResponse
from medulla.v1.tiles_pb2_grpc import add_TileServiceServicer_to_server

from services.embedder.errors import DamagedChunkError
from services.embedder.grpc_tile_source import GrpcTileSource, Patience
from shared.blob.memory import MemoryStore
from shared.errors import PermanentError, TransientError
from shared.rpc.client import channel
from tests.support.embedding import planned, raw_chunk
from tests.support.rpc import OnlyStreams

EVENT = planned(MemoryStore(), tiles=18, per_chunk=4)
WHOLE = [0, 1, 2, 3, 4]

StreamFault = Callable[[int, grpc.ServicerContext], None]


@dataclass
class Tiler(OnlyStreams):
    """Streams chunks; before each chunk the next happening may happen."""

    happenings: dict[int, StreamFault] = field(default_factory=dict)
    requested: list[int] = field(default_factory=list)
    sent: int = 0

    def StreamTiles(  # noqa: N802 - the method's name in the proto
        self, request: StreamTilesRequest, context: grpc.ServicerContext
    ) -> Iterator[StreamTilesResponse]:
        return self.respond(request, context)

    def respond(self, request: StreamTilesRequest, context: grpc.ServicerContext) -> Iterator[StreamTilesResponse]:
        self.requested.append(request.first_chunk)
        for index in range(request.first_chunk, 5):
            if happening := self.happenings.pop(self.sent, None):
                happening(index, context)
            self.sent += 1
            yield StreamTilesResponse(chunk=raw_chunk(request.slide, request.plan, index))


def fails(code: grpc.StatusCode, reason: str = "") -> StreamFault:
    def happen(_: int, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("medulla-reason", reason),) if reason else ())
        context.abort(code, "something happened")

    return happen


@contextmanager
def source(tiler: Tiler, waits: list[float] | None = None, tries: int = 3) -> Iterator[GrpcTileSource]:
    server = grpc.server(ThreadPoolExecutor(4))
    add_TileServiceServicer_to_server(tiler, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    waited = waits if waits is not None else []
    try:
        with closing(channel(f"127.0.0.1:{port}")) as opened:
            yield GrpcTileSource(opened, Patience(tries=tries), sleep=waited.append)
    finally:
        server.stop(None).wait(10)


def indices(tiles: GrpcTileSource, first: int = 0) -> list[int]:
    return [chunk.index for chunk in tiles.chunks(EVENT.slide, EVENT.plan, first)]


def test_every_chunk_comes_once_in_order() -> None:
    tiler = Tiler()
    with source(tiler) as tiles:
        assert indices(tiles) == WHOLE
        assert indices(tiles, first=3) == [3, 4]
    assert tiler.requested == [0, 3]


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
    ],
)
def test_a_stream_that_breaks_off_goes_on_from_the_first_missing_chunk(code: grpc.StatusCode) -> None:
    tiler = Tiler({2: fails(code), 3: fails(code)})
    with source(tiler) as tiles:
        assert indices(tiles) == WHOLE
    assert tiler.requested == [0, 2, 3]


def test_a_tiler_that_falls_silent_is_noticed_long_before_the_deadline() -> None:
    with silent_peer() as port, closing(channel(f"127.0.0.1:{port}", silence_s=1.5)) as opened:
        tiles = GrpcTileSource(opened, Patience(tries=1, stream_s=300))
        with pytest.raises(TransientError, match="UNAVAILABLE"):
            indices(tiles)


@contextmanager
def silent_peer() -> Iterator[int]:
    """Port of a tiler that takes a request and then is cut off, its connection left standing."""
    requested = Event()

    def cut_off(_: int, __: grpc.ServicerContext) -> None:
        requested.set()
        Event().wait(20)

    server = grpc.server(ThreadPoolExecutor(4))
    add_TileServiceServicer_to_server(Tiler({0: cut_off}), server)
    behind = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=_relay, args=(listening, behind, requested), daemon=True).start()
        yield int(listening.getsockname()[1])
    server.stop(None)


def _relay(listening: socket.socket, behind: int, cut: Event) -> None:
    """Pass bytes both ways on one connection until `cut`; then keep it open and say nothing."""
    near, _ = listening.accept()
    far = socket.create_connection(("127.0.0.1", behind))
    while not cut.is_set():
        for source_, sink in ((near, far), (far, near)):
            if select.select([source_], [], [], 0.01)[0]:
                sink.sendall(source_.recv(65536))
    Event().wait(20)


def test_a_tiler_that_is_full_is_asked_again_after_growing_waits_and_then_left() -> None:
    class Full(Tiler):
        def respond(self, request: StreamTilesRequest, context: grpc.ServicerContext) -> Iterator[StreamTilesResponse]:
            self.requested.append(request.first_chunk)
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "16 streams are open")
            yield StreamTilesResponse()

    tiler, waits = Full(), list[float]()
    with (
        source(tiler, waits, tries=4) as tiles,
        pytest.raises(TransientError, match=r"in 4 tries.*16 streams are open"),
    ):
        indices(tiles)
    assert tiler.requested == [0, 0, 0, 0]
    assert waits == [0.5, 1.0, 2.0]


def test_waits_grow_no_further_than_the_longest() -> None:
    patience = Patience()
    assert [patience.wait_s(failures) for failures in (1, 2, 3, 9)] == [0.5, 1.0, 2.0, 10.0]


def test_a_tiler_that_is_down_is_a_transient_error() -> None:
    with closing(channel("127.0.0.1:1")) as opened:
        waits: list[float] = []
        tiles = GrpcTileSource(opened, Patience(tries=1), sleep=waits.append)
        with pytest.raises(TransientError, match="gave no tiles in 1 tries"):
            indices(tiles)


def test_a_stream_that_is_asked_for_after_the_end_is_a_transient_error() -> None:
    tiler, waits = Tiler(), list[float]()
    with source(tiler, waits) as tiles:
        begun = tiles.chunks(EVENT.slide, EVENT.plan, 0)
        next(begun)
        tiles.close()
        with pytest.raises(TransientError):
            list(begun)
        with pytest.raises(TransientError, match="this process ends"):
            indices(tiles)
    assert tiler.requested == [0]
    assert waits == []


def test_what_the_tiler_refuses_for_good_keeps_its_reason() -> None:
    tiler = Tiler({1: fails(grpc.StatusCode.INVALID_ARGUMENT, "unreadable_slide")})
    with source(tiler) as tiles, pytest.raises(PermanentError, match="something happened") as refused:
        indices(tiles)
    assert refused.value.reason == "unreadable_slide"
    assert tiler.requested == [0]


def test_a_stream_that_ends_early_without_an_error_is_asked_for_again() -> None:
    class Short(Tiler):
        def respond(self, request: StreamTilesRequest, context: grpc.ServicerContext) -> Iterator[StreamTilesResponse]:
            chunks = super().respond(request, context)
            yield next(chunks)

    tiler = Short()
    with source(tiler) as tiles:
        assert indices(tiles) == WHOLE
    assert tiler.requested == WHOLE


def test_a_chunk_out_of_turn_is_not_passed_on() -> None:
    class Skipping(Tiler):
        def respond(self, request: StreamTilesRequest, context: grpc.ServicerContext) -> Iterator[StreamTilesResponse]:
            assert context.is_active()
            yield StreamTilesResponse(chunk=raw_chunk(request.slide, request.plan, request.first_chunk + 1))

    with source(Skipping(), tries=1) as tiles, pytest.raises(TransientError, match="chunk 1 in place of 0"):
        indices(tiles)
    assert issubclass(DamagedChunkError, TransientError)


def test_hanging_up_ends_the_stream_at_the_tiler() -> None:
    cancelled: list[bool] = []

    class Watching(Tiler):
        def respond(self, request: StreamTilesRequest, context: grpc.ServicerContext) -> Iterator[StreamTilesResponse]:
            context.add_callback(lambda: cancelled.append(True))
            return super().respond(request, context)

    with source(Watching()) as tiles:
        chunks = tiles.chunks(EVENT.slide, EVENT.plan, 0)
        assert next(chunks).index == 0
        chunks.close()  # type: ignore[attr-defined]  # a generator, though the port promises only an iterator
    assert cancelled == [True]
