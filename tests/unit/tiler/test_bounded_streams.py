"""No more streams than there are places, and each place is given back."""

from collections.abc import Iterator

import numpy as np
import pytest
from medulla.v1.common_pb2 import Plan, Slide

from services.tiler.bounded_streams import BoundedStreams
from services.tiler.chunks import DecodedChunk
from services.tiler.errors import TooManyStreamsError


class BrokenSlideError(Exception):
    """What a stream may end with."""


def chunk(index: int) -> DecodedChunk:
    return DecodedChunk.of(index, 0, np.empty((0, 1, 1, 3), np.uint8), np.empty(0, np.bool_))


def three(_: Slide, __: Plan, first_chunk: int) -> Iterator[DecodedChunk]:
    yield from (chunk(index) for index in range(first_chunk, 3))


def broken(_: Slide, __: Plan, first_chunk: int) -> Iterator[DecodedChunk]:
    yield chunk(first_chunk)
    raise BrokenSlideError


def test_one_stream_too_many_is_refused_until_a_place_is_free() -> None:
    streams = BoundedStreams(three, 1)
    first = streams(Slide(), Plan())
    next(first)
    with pytest.raises(TooManyStreamsError, match="1 streams are open"):
        next(streams(Slide(), Plan()))
    assert [chunk.index for chunk in first] == [1, 2]
    assert [chunk.index for chunk in streams(Slide(), Plan(), 1)] == [1, 2]


def test_a_stream_that_is_let_go_or_fails_gives_its_place_back() -> None:
    streams = BoundedStreams(broken, 1)
    stream = streams(Slide(), Plan())
    next(stream)
    del stream
    with pytest.raises(BrokenSlideError):
        list(streams(Slide(), Plan()))
    assert next(streams(Slide(), Plan())).index == 0
