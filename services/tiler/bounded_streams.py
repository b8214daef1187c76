"""Bounds how many streams of tiles are open at once."""

from collections.abc import Callable, Iterator
from threading import BoundedSemaphore

from medulla.v1.common_pb2 import Plan, Slide

from services.tiler.chunks import DecodedChunk
from services.tiler.errors import TooManyStreamsError
from shared import metrics

Stream = Callable[[Slide, Plan, int], Iterator[DecodedChunk]]


class BoundedStreams:
    """A stream of which at most `most` run at once; safe from several threads."""

    def __init__(self, stream: Stream, most: int) -> None:
        self._stream = stream
        self._places = BoundedSemaphore(most)
        self._most = most

    def __call__(self, slide: Slide, plan: Plan, first_chunk: int = 0) -> Iterator[DecodedChunk]:
        """Chunks as the stream gives them; its slot is free again when the iterator ends or is closed.

        Raises:
            TooManyStreamsError: all slots are taken.
        """
        if not self._places.acquire(blocking=False):
            raise TooManyStreamsError(f"{self._most} streams are open, which is all this tiler serves")
        try:
            with metrics.STREAMS_IN_FLIGHT.track_inprogress():
                yield from self._stream(slide, plan, first_chunk)
        finally:
            self._places.release()
