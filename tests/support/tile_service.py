"""TileService over gRPC on loopback, and its client."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import grpc
from medulla.v1.tiles_pb2_grpc import TileServiceStub

from services.tiler.bounded_streams import BoundedStreams, Stream
from services.tiler.servicer import TileServicer, add_tile_service
from shared.rpc.client import channel
from shared.rpc.server import GrpcServer


@contextmanager
def serving(stream: Stream | None, regions: Any = None, max_streams: int = 2) -> Iterator[str]:
    """The address of a service of this stream and these regions, of which a test may need one only."""
    streams: Any = BoundedStreams(stream, max_streams) if stream else None

    def register(server: grpc.Server) -> None:
        add_tile_service(TileServicer(streams, regions), server)

    stop, server = Event(), GrpcServer("127.0.0.1:0", register, max_message_mb=128, grace_s=1)
    thread = Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        stop.set()
        thread.join()


@contextmanager
def served(stream: Stream | None, max_streams: int = 2, regions: Any = None) -> Iterator[TileServiceStub]:
    """A client of such a service."""
    with (
        serving(stream, regions, max_streams) as address,
        channel(address, max_message_mb=128, stream_deadline_s=120) as opened,
    ):
        yield TileServiceStub(opened)
