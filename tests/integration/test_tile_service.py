"""TileService over a real gRPC connection on loopback."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import grpc
import numpy as np
import pytest
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.events_pb2 import SlideTiled
from medulla.v1.tiles_pb2 import TILE_ENCODING_RAW_UINT8, StreamTilesRequest, TileChunk
from medulla.v1.tiles_pb2_grpc import TileServiceStub

from services.tiler.chunks import DecodedChunk
from shared.rpc.client import RefusedByServerError, as_medulla
from tests.support.polling import eventually
from tests.support.slides import cc0_bytes, cc0_pixels, garbled, write_tiff
from tests.support.tile_service import served
from tests.support.tiling import Tiling, tiling

KEY = "slides/case-1/slide-1.svs"
_PATIENCE_S = 30


@pytest.fixture
def tiler(tmp_path: Path) -> Iterator[Tiling]:
    with tiling(tmp_path, tiles_per_chunk=4) as created:
        yield created


def request(event: SlideTiled, first_chunk: int = 0) -> StreamTilesRequest:
    return StreamTilesRequest(slide=event.slide, plan=event.plan, first_chunk=first_chunk)


def chunks_of(stub: TileServiceStub, event: SlideTiled, first_chunk: int = 0) -> list[TileChunk]:
    return [answer.chunk for answer in stub.StreamTiles(request(event, first_chunk))]


def refusal(stub: TileServiceStub, event: SlideTiled, first_chunk: int = 0) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        chunks_of(stub, event, first_chunk)
    return refused.value


def test_what_arrives_is_what_was_decoded(tiler: Tiling) -> None:
    event = tiler.plan(KEY, garbled([74]))
    with served(tiler.stream) as stub:
        first, *_ = arrived = chunks_of(stub, event)
    assert arrived == tiler.chunks(event)
    assert (first.encoding, len(first.tiles) + len(first.corrupt)) == (TILE_ENCODING_RAW_UINT8, 4)
    assert first.digest == hashlib.sha256(first.pixels[0]).hexdigest()


def test_a_dropped_stream_is_asked_for_again_from_the_first_missing_chunk(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    with served(tiler.stream) as stub:
        call = stub.StreamTiles(request(event))
        first = [next(call).chunk for _ in range(3)]
        call.cancel()
        rest = chunks_of(stub, event, first_chunk=3)
    assert first + rest == tiler.chunks(event)


def test_a_chunk_of_256_raw_tiles_fits_into_a_message(tmp_path: Path) -> None:
    large = write_tiff(tmp_path / "large.tif", np.tile(cc0_pixels(), (3, 3, 1)))
    with tiling(tmp_path, tiles_per_chunk=256) as tiler, served(tiler.stream) as stub:
        event = tiler.plan("slides/case-1/large.tif", large.read_bytes())
        first = next(iter(stub.StreamTiles(request(event)))).chunk
    assert len(first.tiles) == 256
    assert len(first.pixels[0]) == 256 * 256 * 256 * 3


def test_one_stream_too_many_is_told_to_try_again(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    with served(tiler.stream, max_streams=1) as stub:
        open_call = stub.StreamTiles(request(event))
        next(open_call)
        error = refusal(stub, event)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert not isinstance(as_medulla(error), RefusedByServerError)
        open_call.cancel()
        eventually(lambda: _succeeds(stub, event))


def _succeeds(stub: TileServiceStub, event: SlideTiled) -> bool:
    try:
        return bool(chunks_of(stub, event))
    except grpc.RpcError:
        return False


def test_a_caller_who_does_not_read_holds_the_decoding_up(tmp_path: Path) -> None:
    decoded: list[int] = []
    large = write_tiff(tmp_path / "large.tif", np.tile(cc0_pixels(), (2, 2, 1)))
    with tiling(tmp_path, tiles_per_chunk=4) as own:

        def noted(slide: Slide, plan: Plan, first_chunk: int) -> Iterator[DecodedChunk]:
            for chunk in own.stream(slide, plan, first_chunk):
                decoded.append(chunk.index)
                yield chunk

        with served(noted) as stub:
            event = own.plan("slides/case-1/large.tif", large.read_bytes())
            total = -(-event.plan.tiles // 4)
            call = stub.StreamTiles(request(event))
            next(call)
            Event().wait(1.0)
            assert len(decoded) < total / 2
            assert 1 + sum(1 for _ in call) == total


def test_a_caller_who_hangs_up_stops_the_stream(tiler: Tiling) -> None:
    closed = Event()

    def watched(slide: Slide, plan: Plan, first_chunk: int) -> Iterator[DecodedChunk]:
        try:
            yield from tiler.stream(slide, plan, first_chunk)
        finally:
            closed.set()

    event = tiler.plan(KEY, cc0_bytes())
    with served(watched) as stub:
        call = stub.StreamTiles(request(event))
        next(call)
        call.cancel()
        assert closed.wait(_PATIENCE_S)


def test_refusals_carry_their_reason_and_advice(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    with served(tiler.stream) as stub:
        far = refusal(stub, event, first_chunk=99)
        event.plan.digest = "0" * 64
        unknown = refusal(stub, event)
    assert far.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert unknown.code() is grpc.StatusCode.NOT_FOUND
    meant = as_medulla(unknown)
    assert isinstance(meant, RefusedByServerError)
    assert meant.reason == "digest_mismatch"
    assert "sweep" in meant.advice


def test_a_slide_overwritten_since_it_was_planned_is_refused(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    tiler.land(KEY, b"other bytes")
    event.slide.object.etag += "-old"
    with served(tiler.stream) as stub:
        meant = as_medulla(refusal(stub, event))
    assert isinstance(meant, RefusedByServerError)
    assert meant.reason == "digest_mismatch"
