"""DescribeSlide and ReadRegion over a real gRPC connection on loopback: bounds, refusals, fetching, erasure."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import grpc
import pytest
from medulla.v1.events_pb2 import SlideTiled
from medulla.v1.tiles_pb2 import (
    VIEW_STATE_FETCHING,
    VIEW_STATE_READY,
    DescribeSlideRequest,
    DescribeSlideResponse,
    ReadRegionRequest,
)
from medulla.v1.tiles_pb2_grpc import TileServiceStub
from PIL import Image

from services.tiler.errors import NoLevelError
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.regions import ReadRegions
from shared import keys
from shared.blob.port import BlobInfo
from shared.erased import ErasedCases
from shared.errors import TransientError
from shared.rpc.client import RefusedByServerError, as_medulla
from shared.units import CaseId, Sha256
from tests.support.mirax_slide import mirax_slide
from tests.support.polling import eventually
from tests.support.slides import cc0_bytes, cc0_pixels, garbled
from tests.support.tile_service import served
from tests.support.tiling import Tiling, tiling
from tests.support.viewing import pixels

KEY = "slides/case-1/slide-1.svs"


@pytest.fixture(scope="module")
def readers() -> Iterator[IsolatedReaders]:
    with isolated_readers() as started:
        yield started


@pytest.fixture
def tiler(tmp_path: Path, readers: IsolatedReaders) -> Iterator[Tiling]:
    with tiling(tmp_path, opener=readers) as created:
        yield created


@pytest.fixture
def regions(tiler: Tiling, readers: IsolatedReaders) -> Iterator[ReadRegions]:
    with pixels(tiler, readers) as created:
        yield created


@pytest.fixture
def stub(regions: ReadRegions) -> Iterator[TileServiceStub]:
    with served(None, regions=regions) as opened:
        yield opened


@pytest.fixture
def event(tiler: Tiling) -> SlideTiled:
    return tiler.plan(KEY, cc0_bytes())


def described(stub: TileServiceStub, event: SlideTiled) -> DescribeSlideResponse:
    return stub.DescribeSlide(DescribeSlideRequest(slide=event.slide, plan=event.plan))


def region(event: SlideTiled, x: int = 240, side: int = 240, out: int = 240) -> ReadRegionRequest:
    return ReadRegionRequest(
        slide=event.slide,
        plan=event.plan,
        x_px=x,
        y_px=240,
        width_px=side,
        height_px=side,
        out_width_px=out,
        out_height_px=out,
    )


def refusal(stub: TileServiceStub, request: ReadRegionRequest) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as refused:
        stub.ReadRegion(request)
    meaning = as_medulla(refused.value)
    return refused.value.code(), meaning.reason if isinstance(meaning, RefusedByServerError) else ""


def test_a_slide_is_described_and_read(stub: TileServiceStub, event: SlideTiled) -> None:
    answer = described(stub, event)
    assert (answer.state, answer.width_px, answer.height_px, answer.tile_px) == (VIEW_STATE_READY, 2220, 2967, 240)
    assert Image.open(io.BytesIO(stub.ReadRegion(region(event)).jpeg)).size == (240, 240)


@pytest.mark.parametrize(
    ("x", "side", "out"),
    [(-1, 240, 240), (2000, 240, 240), (0, 0, 1), (0, 240, 0), (0, 240, 241), (0, 2220, 2049), (2**31 - 1, 240, 240)],
)
def test_a_rectangle_out_of_bounds_is_an_invalid_argument(
    stub: TileServiceStub, event: SlideTiled, x: int, side: int, out: int
) -> None:
    assert refusal(stub, region(event, x, side, out)) == (grpc.StatusCode.INVALID_ARGUMENT, "bad_request")
    assert stub.ReadRegion(region(event)).jpeg


def test_a_name_that_is_no_digest_is_an_invalid_argument(stub: TileServiceStub, event: SlideTiled) -> None:
    request = region(event)
    request.plan.digest = "../../etc"
    assert refusal(stub, request)[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_an_object_that_is_no_slide_is_an_invalid_argument(stub: TileServiceStub, event: SlideTiled) -> None:
    request = region(event)
    request.slide.object.key = "clinical/case-1.json"
    assert refusal(stub, request)[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_an_unknown_plan_is_not_found(stub: TileServiceStub, event: SlideTiled) -> None:
    request = region(event)
    request.plan.digest = "0" * 64
    assert refusal(stub, request) == (grpc.StatusCode.NOT_FOUND, "not_found")


@pytest.mark.parametrize("change", ["deleted", "replaced", "erased"])
def test_a_slide_that_no_longer_stands_is_not_found_even_while_it_is_open(
    stub: TileServiceStub, tiler: Tiling, event: SlideTiled, change: str
) -> None:
    assert stub.ReadRegion(region(event)).jpeg
    if change == "deleted":
        tiler.blobs.delete(KEY)
    elif change == "replaced":
        tiler.land(KEY, cc0_bytes() + b"x")
    else:
        ErasedCases(tiler.blobs).add(CaseId("case-1"))
    assert refusal(stub, region(event)) == (grpc.StatusCode.NOT_FOUND, "not_found")
    assert refusal(stub, region(event, x=480)) == (grpc.StatusCode.NOT_FOUND, "not_found")


def test_damage_is_data_loss_and_the_rest_of_the_slide_is_read(stub: TileServiceStub, tiler: Tiling) -> None:
    event = tiler.plan(KEY, garbled([11]))
    assert refusal(stub, region(event, side=200, out=100)) == (grpc.StatusCode.DATA_LOSS, "unreadable_slide")
    assert stub.ReadRegion(region(event, x=480)).jpeg


def test_a_slide_of_another_format_is_fetched_while_its_caller_is_told_so(stub: TileServiceStub, tiler: Tiling) -> None:
    files = mirax_slide("m", cc0_pixels()[:2304, :2048])
    for name, data in files.items():
        tiler.land(f"slides/case-2/{name}", data)
    (event,) = tiler.hint("slides/case-2/m.mrxs")
    assert described(stub, event).state == VIEW_STATE_FETCHING
    eventually(lambda: described(stub, event).state == VIEW_STATE_READY)
    assert Image.open(io.BytesIO(stub.ReadRegion(region(event)).jpeg)).size == (240, 240)


def test_one_region_too_many_is_told_to_try_again(tiler: Tiling, readers: IsolatedReaders, event: SlideTiled) -> None:
    with pixels(tiler, readers) as own, served(None, regions=ReadRegions(own.views, own.plans, most=1)) as stub:
        assert stub.ReadRegion(region(event)).jpeg
    with pixels(tiler, readers) as own:
        single = ReadRegions(own.views, own.plans, most=1)
        with single.slot(), served(None, regions=single) as stub:
            assert refusal(stub, region(event)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "")


def test_more_slides_than_may_be_open_take_turns(tiler: Tiling, readers: IsolatedReaders) -> None:
    events = [tiler.plan(f"slides/case-{n}/s.svs", cc0_bytes() + bytes([n])) for n in range(3)]
    with pixels(tiler, readers, slides=1) as own, served(None, regions=own) as stub:
        for each in (*events, *events):
            assert stub.ReadRegion(region(each)).jpeg


def test_a_caller_whose_deadline_has_passed_gets_no_answer_and_the_service_goes_on(
    stub: TileServiceStub, tiler: Tiling, event: SlideTiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, real = Event(), type(tiler.blobs).get_range

    def slow(store: object, info: BlobInfo, start: int, end: int) -> bytes:
        release.wait(20)
        return real(store, info, start, end)  # type: ignore[arg-type]

    monkeypatch.setattr(type(tiler.blobs), "get_range", slow)
    with pytest.raises(grpc.RpcError) as late:
        stub.ReadRegion(region(event), timeout=0.5)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    release.set()
    assert stub.ReadRegion(region(event)).jpeg


def test_a_store_that_is_down_for_a_while_is_asked_again(
    stub: TileServiceStub, tiler: Tiling, event: SlideTiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> bytes:
        raise TransientError("the store is down")

    with monkeypatch.context() as broken:
        broken.setattr(type(tiler.blobs), "get_range", down)
        assert refusal(stub, region(event))[0] is grpc.StatusCode.UNAVAILABLE
    assert stub.ReadRegion(region(event)).jpeg


def test_many_callers_open_a_slide_once(regions: ReadRegions, stub: TileServiceStub, event: SlideTiled) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: stub.ReadRegion(region(event, x=240 * n)).jpeg, range(8)))
    assert len(set(answers)) > 1
    assert len(regions.views._entries) == 1


def test_a_slide_without_coarse_levels_shows_its_thumbnail_when_seen_whole(
    stub: TileServiceStub, tiler: Tiling, event: SlideTiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.plan_prefix(Sha256(event.slide.digest), Sha256(event.plan.digest)) + keys.THUMBNAIL
    assert tiler.blobs.head(key)
    monkeypatch.setattr("services.tiler.slide_view.SlideView.read", _no_level)
    assert Image.open(io.BytesIO(stub.ReadRegion(region(event, x=0, side=2000, out=20)).jpeg)).size == (20, 20)


def _no_level(*_: object) -> bytes:
    raise NoLevelError("no level")
