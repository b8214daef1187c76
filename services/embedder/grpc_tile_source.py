"""Pulls tiles from the tiler; a broken stream is requested again from the first missing chunk."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from threading import Lock

import grpc
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.tiles_pb2 import StreamTilesRequest, TileChunk
from medulla.v1.tiles_pb2_grpc import TileServiceStub

from services.embedder.chunks import chunks_of
from services.embedder.errors import DamagedChunkError
from shared.errors import TransientError
from shared.rpc.client import raise_as_medulla


@dataclass(frozen=True, slots=True)
class Patience:
    """Retries while the tiler is down, busy or drops streams."""

    tries: int = 6
    """Consecutive streams without a chunk before the slide is retried later."""
    first_wait_s: float = 0.5
    """Delay before the second try; doubles with each try."""
    longest_wait_s: float = 10.0
    stream_s: float = 600.0
    """Deadline of one stream; a slide that takes longer continues in another stream."""

    def wait_s(self, failures: int) -> float:
        """Delay after `failures` consecutive failures, 1 or more."""
        return float(min(self.longest_wait_s, self.first_wait_s * 2 ** (failures - 1)))


class GrpcTileSource:
    """`TileService.StreamTiles` as a source of tiles; it closes the channel."""

    def __init__(
        self, channel: grpc.Channel, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._channel = channel
        self._stub = TileServiceStub(channel)
        self._lock = Lock()
        self._closed = False
        self._patience = patience or Patience()
        self._sleep = sleep

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[TileChunk]:
        """Yield the plan's chunks from `first_chunk`, each once, in order.

        Raises:
            TransientError: the tiler is down, busy or dropping streams for too long.
            PermanentError: the tiler refuses the slide, with the tiler's reason.
        """
        expected, failures = first_chunk, 0
        while expected < chunks_of(plan):
            try:
                with closing(self._stream(slide, plan, expected)) as stream:
                    for chunk in stream:
                        yield chunk
                        expected, failures = expected + 1, 0
            except TransientError as error:
                failures += 1
                self._wait(failures, error)

    def close(self) -> None:
        """End the streams; slides that still need tiles are retried later."""
        with self._lock:
            self._closed = True
            self._channel.close()

    def _stream(self, slide: Slide, plan: Plan, first: int) -> Generator[TileChunk, None, None]:
        """One stream; raises where it ends before the plan does."""
        request = StreamTilesRequest(slide=slide, plan=plan, first_chunk=first)
        with self._lock:  # a call on a closed channel crashes the process (gRPC 1.85)
            self._check_open()
            call = self._stub.StreamTiles(request, timeout=self._patience.stream_s)
        expected = first
        try:
            for response in call:
                if response.chunk.index != expected:
                    raise DamagedChunkError(f"the tiler sent chunk {response.chunk.index} in place of {expected}")
                yield response.chunk
                expected += 1
        except grpc.RpcError as error:
            raise_as_medulla(error)
        finally:
            call.cancel()
        if expected < chunks_of(plan):
            raise DamagedChunkError(f"the tiler ended its stream before chunk {expected} of {chunks_of(plan)}")

    def _check_open(self) -> None:
        if self._closed:
            raise TransientError("the slide is embedded later, because this process ends")

    def _wait(self, failures: int, error: TransientError) -> None:
        if self._closed or failures >= self._patience.tries:
            raise TransientError(f"the tiler gave no tiles in {failures} tries: {error}") from error
        self._sleep(self._patience.wait_s(failures))
