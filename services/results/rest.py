"""The REST API: cases and scores as JSON, progress as a stream, and the page's files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.staticfiles import StaticFiles

from services.results import openapi, problems
from services.results.access import OPERATORS, READERS, require
from services.results.bounded_scorer import BoundedScorer
from services.results.case_scorer import CaseScorer
from services.results.evidence import Evidence
from services.results.exports import Exports
from services.results.http_guard import Guard
from services.results.monitored_bundles import MonitoredBundles
from services.results.ports import ResultStore
from services.results.progress_feed import Feed
from services.results.queries import Queries
from services.results.rest_audit import audit_routes
from services.results.rest_bundle import bundle_routes
from services.results.rest_cases import case_routes
from services.results.rest_dead_letters import dead_letter_routes
from services.results.rest_docs import docs_routes
from services.results.rest_erase import erase_routes
from services.results.rest_exports import export_routes
from services.results.rest_layers import layer_routes
from services.results.rest_list import list_routes
from services.results.rest_me import me_routes
from services.results.rest_monitoring import monitoring_routes
from services.results.rest_notes import note_routes
from services.results.rest_progress import progress_routes
from services.results.rest_refused import refused_routes
from services.results.rest_rescoring import rescoring_routes
from services.results.rest_slides import slide_routes
from services.results.rest_views import view_routes
from services.results.rest_waiting import waiting_routes
from services.results.rest_what_if import what_if_routes
from services.results.slide_layers import SlideLayers
from services.results.slide_pixels import SlidePixels
from services.results.sse import Rhythm
from services.results.viewed_slides import ViewedSlides
from services.results.viewer import Viewer
from services.results.viewing import Viewing, ViewStore
from shared.blob.port import BlobStore
from shared.bus.dead_letter_topic import DeadLetterTopic
from shared.bus.port import Producer
from shared.notice import NOTICE
from shared.rescoring import RescoringProgress, nothing_requested
from shared.rpc.auth import Principal, Verifier
from shared.waiting import WaitingList, nothing_listed

PAGE = Path(__file__).parent / "page"
"""The page's files."""
_PROBLEM = {
    "description": "What went wrong",
    "content": {"application/problem+json": {"schema": openapi.reference("Problem")}},
}
_LOGIN = openapi.record(issuer=openapi.TEXT, client_id=openapi.TEXT, scope=openapi.TEXT)
_CONFIG = openapi.record(
    notice=openapi.TEXT,
    login={"anyOf": [_LOGIN, {"type": "null"}]},
    guide={"anyOf": [openapi.TEXT, {"type": "null"}]},
)


@dataclass(frozen=True, slots=True)
class Login:
    """Login of the page: an OpenID issuer's authorization code flow with PKCE, as a public client."""

    issuer: str
    client_id: str
    scope: str = "openid"
    origins: tuple[str, ...] = ()
    """Other origins of the issuer that the page must reach, such as its token endpoint's."""

    @property
    def all_origins(self) -> tuple[str, ...]:
        """Origins that the page's content security policy must allow."""
        parts = urlsplit(self.issuer)
        return (f"{parts.scheme}://{parts.netloc}", *self.origins)


@dataclass(frozen=True, slots=True)
class Backends:
    """What the application reads, writes and asks; there are no routes for what is None."""

    results: ResultStore
    blobs: BlobStore
    verifier: Verifier
    producer: Producer
    pixels: SlidePixels | None = None
    """Of Deep Zoom."""
    scorer: CaseScorer | None = None
    """Of "what if"."""
    letters: DeadLetterTopic | None = None
    waiting: Callable[[], WaitingList] = nothing_listed
    """What waits for a score."""
    views: ViewStore | None = None
    """Of who looked at which case; None: nobody is recorded."""
    rescoring: Callable[[], RescoringProgress] = nothing_requested
    """How far scoring in the background is."""


def create_app(
    backends: Backends,
    *,
    login: Login | None = None,
    feed: Feed | None = None,
    rhythm: Rhythm | None = None,
    guide: APIRouter | None = None,
) -> FastAPI:
    """The whole application; without `login` the page has no login, which only `OpenOnLoopback` allows.

    `guide` are the routes of a guide for users, to which the page then links.
    """
    app = FastAPI(
        title="Medulla results",
        version="1",
        description=NOTICE,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it records paths and searches as they come
    )
    app.openapi_url = "/api/v1/openapi.json"
    app.setup()
    app.add_middleware(Guard, login_origins=login.all_origins if login else ())
    problems.install(app)
    app.include_router(_open_routes(login, guide.prefix if guide else None))
    app.include_router(docs_routes(PAGE))
    if guide:
        app.include_router(guide)
    reader, operator = _recorded(backends), require(backends.verifier, OPERATORS)
    progress = progress_routes(feed or Feed(backends.results), rhythm or Rhythm(), reader)
    app.include_router(_guarded((*_case_routes(backends, reader), progress, me_routes(reader)), reader))
    app.include_router(_guarded(_optional_routes(backends), reader))
    app.include_router(_guarded(_operator_routes(backends), operator))
    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    _describe(app)
    return app


def _recorded(backends: Backends) -> Callable[[Request], Principal]:
    """Admits readers, and records what they look at."""
    reader = require(backends.verifier, READERS)
    return reader if backends.views is None else Viewing(backends.views).around(reader)


def _case_routes(backends: Backends, reader: Callable[[Request], Principal]) -> Iterator[APIRouter]:
    """What is stored of cases, and notes, whose author is `reader`."""
    blobs = backends.blobs
    queries = Queries(backends.results, blobs)
    evidence = Evidence(queries, blobs)
    yield list_routes(queries)
    yield case_routes(queries, evidence)
    yield layer_routes(SlideLayers(evidence))
    yield export_routes(Exports(queries, blobs))
    yield note_routes(queries, reader)
    yield refused_routes(backends.results, blobs)
    yield bundle_routes(blobs)
    yield monitoring_routes(MonitoredBundles(blobs))


def _optional_routes(backends: Backends) -> Iterator[APIRouter]:
    """What the tiler and the scorer answer."""
    if backends.pixels is not None:
        yield slide_routes(Viewer(ViewedSlides(backends.blobs), backends.pixels))
    if backends.scorer is not None:
        yield what_if_routes(BoundedScorer(backends.scorer))


def _operator_routes(backends: Backends) -> Iterator[APIRouter]:
    yield audit_routes(backends.results)
    yield waiting_routes(backends.waiting)
    yield rescoring_routes(backends.rescoring)
    if backends.views is not None:
        yield view_routes(backends.views)
    yield erase_routes(backends.producer)
    if backends.letters is not None:
        yield dead_letter_routes(backends.letters)


def _guarded(inner: Iterable[APIRouter], admit: Callable[[Request], Principal]) -> APIRouter:
    answers: openapi.Responses = {"4XX": _PROBLEM, "5XX": _PROBLEM}
    outer = APIRouter(prefix="/api/v1", responses=answers, dependencies=[Depends(admit)])
    for routes in inner:
        outer.include_router(routes)
    return outer


def _open_routes(login: Login | None, guide: str | None) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["page"])

    summary, answers = "What the page has to know before anyone has logged in", openapi.answers(_CONFIG)
    no_token: openapi.Schema = {"security": []}

    @routes.get("/config", summary=summary, response_model=None, responses=answers, openapi_extra=no_token)
    def config() -> dict[str, Any]:
        oidc = {"issuer": login.issuer, "client_id": login.client_id, "scope": login.scope} if login else None
        return {"notice": NOTICE, "login": oidc, "guide": guide}

    return routes


def _describe(app: FastAPI) -> None:
    """Add the messages' schemas and the bearer token to the OpenAPI description."""
    described = app.openapi()
    parts = described.setdefault("components", {})
    parts.setdefault("schemas", {}).update(openapi.components())
    parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    described["security"] = [{"bearer": []}]
    app.openapi_schema = described
