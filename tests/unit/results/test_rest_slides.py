"""Deep Zoom over REST: roles, caching, refusals; the tiler is a stand-in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient
from google.protobuf.json_format import MessageToJson
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.events_pb2 import SlideEmbedded

from services.results.deep_zoom import DeepZoom, Square
from services.results.errors import BrokenSlideError, UnknownSlideError
from services.results.rest import Login, create_app
from services.results.slide_pixels import IsWanted, refused
from services.results.viewed_slides import ViewedSlides
from shared import keys
from shared.blob.stored_object import to_message
from shared.erased import ErasedCases
from shared.errors import PermanentError, TransientError
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings
from shared.units import CaseId, SlideId
from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import Results
from tests.support.scores import digest

KEY = "slides/MB-1/A1.svs"
DIGEST = digest("A1")
DZI = f"/api/v1/slides/{DIGEST}.dzi"
SQUARE = f"/api/v1/slides/{DIGEST}_files/10/0_1.jpeg"
GONE = {"reason": "not_found", "status": 404}


@dataclass
class Pixels:
    """A tiler that fetches a slide so many times before it has it."""

    fetching: int = 0
    error: Exception | None = None
    read_squares: list[Square] = field(default_factory=list)

    def describe(self, slide: Slide, plan: Plan) -> DeepZoom | None:
        assert (slide.object.key, plan.digest) == (KEY, digest("plan"))
        self.fetching -= 1
        return DeepZoom(1000, 600, 256) if self.fetching < 0 else None

    def read(self, slide: Slide, plan: Plan, square: Square, is_wanted: IsWanted) -> bytes:
        assert slide.digest == DIGEST
        assert plan.digest
        assert is_wanted()
        if self.error:
            raise self.error
        self.read_squares.append(square)
        return b"\xff\xd8\xff picture"


@pytest.fixture
def pixels() -> Pixels:
    return Pixels()


@pytest.fixture
def client(results: Results, pixels: Pixels, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(ViewedSlides, "__init__", _without_memory)
    land(results)
    app = create_app(results.backends(pixels=pixels))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


_remember = ViewedSlides.__init__


def _without_memory(self: ViewedSlides, blobs: object) -> None:
    _remember(self, blobs, every_s=0.0)  # type: ignore[arg-type]


def land(results: Results) -> None:
    """A slide that stands and is embedded."""
    slide = Slide(case_id="MB-1", slide_id="A1.svs", object=to_message(results.blobs.put(KEY, b"x")), digest=DIGEST)
    event = SlideEmbedded(event_id="1", slide=slide, plan=Plan(digest=digest("plan")))
    key = keys.indexed_slide(CaseId("MB-1"), SlideId("A1.svs"), slide.object.etag)
    results.blobs.put(key, MessageToJson(event).encode())
    results.blobs.put(keys.case_of(DIGEST, CaseId("MB-1")), b"{}")  # type: ignore[arg-type]


def test_a_slide_is_a_deep_zoom_image(client: TestClient) -> None:
    answer = client.get(DZI)
    assert answer.headers["content-type"] == "application/xml"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == DeepZoom(1000, 600, 256).xml()


def test_a_square_is_kept_by_the_browser_alone_for_a_day(client: TestClient, pixels: Pixels) -> None:
    answer = client.get(SQUARE)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, max-age=86400, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = client.get(SQUARE, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
    assert pixels.read_squares == [Square(0, 256, 256, 256, 256, 256)]


def test_a_slide_that_is_fetched_is_accepted_and_not_ready(client: TestClient, pixels: Pixels) -> None:
    pixels.fetching = 2
    for path in (DZI, SQUARE):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (HTTPStatus.ACCEPTED, {"state": "fetching"})
        assert answer.headers["retry-after"]
        assert answer.headers["cache-control"] == "no-store"
    assert client.get(DZI).status_code == HTTPStatus.OK


@pytest.mark.parametrize("change", ["erased", "deleted", "replaced"])
def test_a_slide_that_no_longer_stands_is_not_served(client: TestClient, results: Results, change: str) -> None:
    tag = client.get(SQUARE).headers["etag"]
    if change == "erased":
        ErasedCases(results.blobs).add(CaseId("MB-1"))
    elif change == "deleted":
        results.blobs.delete(KEY)
    else:
        results.blobs.put(KEY, b"y")
    for path, headers in ((DZI, {}), (SQUARE, {}), (SQUARE, {"If-None-Match": tag})):
        answer = client.get(path, headers=headers)
        assert GONE.items() <= answer.json().items()
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["11/0_0", "10/4_0", "10/0_3", "-1/0_0"])
def test_a_square_beyond_the_pyramid_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(f"/api/v1/slides/{DIGEST}_files/{path}.jpeg").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("path", [f"{'0' * 63}.dzi", f"{'Z' * 64}.dzi", f"{DIGEST}_files/x/0_0.jpeg"])
def test_a_malformed_address_is_a_bad_request(client: TestClient, path: str) -> None:
    assert client.get(f"/api/v1/slides/{path}").json()["reason"] == "bad_request"


def test_an_unknown_slide_is_not_found(client: TestClient) -> None:
    assert client.get(f"/api/v1/slides/{digest('other')}.dzi").status_code == HTTPStatus.NOT_FOUND


def test_a_busy_or_absent_tiler_is_asked_later(client: TestClient, pixels: Pixels) -> None:
    pixels.error = TransientError("the tiler is down")
    answer = client.get(SQUARE)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["retry-after"]


def test_a_damaged_square_says_so(client: TestClient, pixels: Pixels) -> None:
    pixels.error = BrokenSlideError("this region does not decode", "unreadable_slide", "Export it again.")
    answer = client.get(SQUARE)
    assert (answer.status_code, answer.json()["reason"]) == (HTTPStatus.BAD_GATEWAY, "unreadable_slide")


def test_a_refusal_by_the_tiler_keeps_its_reason() -> None:
    class CrashError(PermanentError):
        reason, advice = "crashed_worker", "Report it."

    class GoneError(PermanentError):
        reason, advice = "not_found", "Look."

    assert refused(CrashError("it crashed")).reason == "crashed_worker"
    assert isinstance(refused(GoneError("it is gone")), UnknownSlideError)


def test_pixels_are_for_those_who_may_see_the_case(results: Results, pixels: Pixels, issuer: OidcIssuer) -> None:
    land(results)
    verifier = TokenVerifier(AuthSettings(issuer=issuer.url))
    app = create_app(
        results.backends(verifier, pixels),
        login=Login(issuer.url, "medulla-page"),
    )
    client = TestClient(app)
    for path in (DZI, SQUARE):
        assert client.get(path).status_code == HTTPStatus.UNAUTHORIZED
        assert client.get(path, headers={"Authorization": f"Bearer {issuer.token()}"}).status_code == HTTPStatus.OK
        stranger = issuer.token(roles=["nobody"])
        assert client.get(path, headers={"Authorization": f"Bearer {stranger}"}).status_code == HTTPStatus.FORBIDDEN
