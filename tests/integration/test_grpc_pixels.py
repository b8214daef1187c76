"""The pixels of results from a real tiler over gRPC."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from medulla.v1.events_pb2 import SlideTiled

from services.results.deep_zoom import DeepZoom, Square
from services.results.errors import BadRequestError, BrokenSlideError, UnknownSlideError
from services.results.grpc_pixels import GrpcPixels
from services.tiler.isolation import isolated_readers
from shared.blob.port import BlobInfo
from shared.errors import TransientError
from shared.rpc.client import channel
from tests.support.slides import garbled
from tests.support.tile_service import serving
from tests.support.tiling import Tiling, tiling
from tests.support.viewing import pixels

KEY = "slides/case-1/slide-1.svs"
_TILE = Square(240, 240, 240, 240, 240, 240)


@pytest.fixture
def tiler(tmp_path: Path) -> Iterator[tuple[Tiling, GrpcPixels]]:
    with (
        isolated_readers() as readers,
        tiling(tmp_path, opener=readers) as created,
        pixels(created, readers) as regions,
        serving(None, regions) as address,
        channel(address) as opened,
    ):
        yield created, GrpcPixels(opened)


@pytest.fixture
def event(tiler: tuple[Tiling, GrpcPixels]) -> SlideTiled:
    return tiler[0].plan(KEY, garbled([0]))


@pytest.fixture
def remote(tiler: tuple[Tiling, GrpcPixels]) -> GrpcPixels:
    return tiler[1]


def wanted() -> bool:
    return True


def test_sizes_and_squares_come_from_the_tiler(remote: GrpcPixels, event: SlideTiled) -> None:
    assert remote.describe(event.slide, event.plan) == DeepZoom(2220, 2967, 240)
    assert remote.read(event.slide, event.plan, _TILE, wanted).startswith(b"\xff\xd8\xff")


def test_refusals_of_the_tiler_keep_their_meaning(
    tiler: tuple[Tiling, GrpcPixels], remote: GrpcPixels, event: SlideTiled
) -> None:
    with pytest.raises(BadRequestError):
        remote.read(event.slide, event.plan, Square(5000, 0, 240, 240, 240, 240), wanted)
    with pytest.raises(BrokenSlideError):
        remote.read(event.slide, event.plan, Square(0, 0, 200, 200, 100, 100), wanted)
    tiler[0].blobs.delete(KEY)
    with pytest.raises(UnknownSlideError):
        remote.read(event.slide, event.plan, _TILE, wanted)


def test_a_square_that_nobody_waits_for_is_cancelled_and_the_next_one_is_read(
    tiler: tuple[Tiling, GrpcPixels], remote: GrpcPixels, event: SlideTiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, store = Event(), type(tiler[0].blobs)
    real = store.get_range

    def slow(self: object, info: BlobInfo, start: int, end: int) -> bytes:
        release.wait(20)
        return real(self, info, start, end)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "get_range", slow)
    with pytest.raises(TransientError, match="nobody waits"):
        remote.read(event.slide, event.plan, _TILE, lambda: False)
    release.set()
    assert remote.read(event.slide, event.plan, _TILE, wanted)


def test_a_tiler_that_is_not_there_is_a_transient_error(event: SlideTiled) -> None:
    with channel("127.0.0.1:1") as nowhere, pytest.raises(TransientError):
        GrpcPixels(nowhere).describe(event.slide, event.plan)
