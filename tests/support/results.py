"""Results around a test: a store with made-up cases, objects behind them, and the application over HTTP or gRPC."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import grpc
import numpy as np
from medulla.v1.results_pb2_grpc import add_ResultsServiceServicer_to_server
from medulla.v1.scorer_pb2 import Score, SlideEvidence, TopTile
from PIL import Image
from safetensors.numpy import save

from services.results.access import READERS
from services.results.case_scorer import CaseScorer
from services.results.handler import RecordScore
from services.results.http_server import HttpServer
from services.results.progress_feed import Feed
from services.results.queries import Queries
from services.results.rest import Backends, Login, create_app
from services.results.servicer import ResultsServicer
from services.results.slide_pixels import SlidePixels
from services.results.sql_store import SqlStore
from services.results.sql_views import SqlViews
from services.results.sse import Rhythm
from services.results.viewing import Viewing
from shared.blob.memory import MemoryStore
from shared.bus.dead_letter_topic import DeadLetterTopic
from shared.bus.memory import MemoryBus
from shared.rescoring import nothing_requested
from shared.rpc.auth import OpenOnLoopback, Verifier, caller_check, require_role
from shared.rpc.server import GrpcServer
from shared.runtime import Part
from shared.waiting import nothing_listed
from tests.support import scores as samples

LOOK_EVERY_S = 0.05
_RHYTHM = Rhythm(beat_s=0.2)


class Results:
    """A migrated store, SQLite or that of `database_url`, and an object store; a word for all that can happen."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.store = SqlStore(database_url or f"sqlite:///{folder / 'results.db'}")
        self.store.migrate()
        self.blobs = MemoryStore()
        self.bus = MemoryBus()
        self.waiting = nothing_listed()
        self.rescoring = nothing_requested()
        self.feed = Feed(self.store, every_s=LOOK_EVERY_S, largest=3, now=lambda: samples.at(10))

    def score(self, score: Score, minutes: float = 1, inputs: Sequence[tuple[str, str]] = ()) -> Score:
        """Store a score with its pictures and maps, and record it."""
        for slide in score.slides:
            self.blobs.put_new(slide.thumbnail_key, thumbnail())
            self.blobs.put_new(slide.attention_key, tile_file(slide))
        event = samples.scored(score, samples.at(minutes), inputs)
        self.blobs.put_new(event.score_key, samples.body(score).encode())
        RecordScore(self.blobs, self.store)(event)
        return score

    def withdraw(self, case: str, minutes: float, *, nothing_left: bool = True) -> None:
        """Record that a case has no score any more."""
        RecordScore(self.blobs, self.store)(samples.withdrawn(case, samples.at(minutes), nothing_left=nothing_left))

    def backends(
        self, verifier: Verifier | None = None, pixels: SlidePixels | None = None, scorer: CaseScorer | None = None
    ) -> Backends:
        """Backends of an application that shows these results; open on loopback without a verifier."""
        producer = self.bus.producer()
        letters = DeadLetterTopic(self.bus.deliveries, producer)
        admits = verifier or OpenOnLoopback("127.0.0.1")
        views = SqlViews(self.store.engine)
        backends = Backends(self.store, self.blobs, admits, producer, pixels, scorer, letters, views=views)
        return replace(backends, waiting=lambda: self.waiting, rescoring=lambda: self.rescoring)

    def close(self) -> None:
        """Close the database."""
        self.store.close()


def thumbnail(width: int = 444, height: int = 593) -> bytes:
    """A JPEG that looks a little like tissue."""
    y, x = np.mgrid[0:height, 0:width]
    inside = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) < 0.16
    pixels = np.where(inside[..., None], (214, 140, 178), (243, 241, 243)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def tile_file(slide: SlideEvidence) -> bytes:
    """What is stored of a slide's tiles."""
    prototypes, classes = len(slide.prototype_shares), len(slide.composition_shares)
    return attention_map(list(slide.top_tiles), prototypes=prototypes, classes=classes)


def attention_map(
    top: list[TopTile], faint: float = 0.001, steps: int = 7, prototypes: int = 0, classes: int = 0
) -> bytes:
    """Tiles of 256 px over a slide of 2220 x 2967, the top ones as they are, the rest faint in so many steps.

    The rows belong to one of the `prototypes` after the other, the columns are of one of the `classes` after the other.
    """
    high = {(tile.x_px, tile.y_px): tile.attention for tile in top}
    coords = [(256 * column, 256 * row) for row in range(11) for column in range(8)]
    values = [high.get(place, faint + 0.0001 * (n % steps)) for n, place in enumerate(coords)]
    arrays = {"coords": np.array(coords, np.int32), "attention": np.array(values, np.float32)}
    counts = (("prototype", 1, prototypes), ("composition", 0, classes))
    members = {
        name: (arrays["coords"][:, axis] // 256 % count).astype(np.uint8) for name, axis, count in counts if count
    }
    return save({**arrays, **members})


@contextmanager
def running(server: Part) -> Iterator[None]:
    """The part in a thread, as long as the block lasts."""
    stop = Event()
    thread = Thread(target=server.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def over_http(
    results: Results,
    verifier: Verifier | None = None,
    login: Login | None = None,
    pixels: SlidePixels | None = None,
    scorer: CaseScorer | None = None,
    rhythm: Rhythm = _RHYTHM,
) -> Iterator[str]:
    """The application's address."""
    app = create_app(results.backends(verifier, pixels, scorer), login=login, feed=results.feed, rhythm=rhythm)
    server = HttpServer("127.0.0.1", 0, app, on_stop=results.feed.close)
    with running(server):
        yield f"http://127.0.0.1:{server.port}"


@contextmanager
def over_grpc(results: Results, verifier: Verifier) -> Iterator[str]:
    """The gRPC server's address."""
    queries = Queries(results.store, results.blobs)
    viewed = Viewing(SqlViews(results.store.engine)).of_calls(verifier)
    servicer = ResultsServicer(queries, results.feed, caller_check(verifier, READERS), viewed)

    def register(server: grpc.Server) -> None:
        add_ResultsServiceServicer_to_server(servicer, server)

    server = GrpcServer("127.0.0.1:0", register, interceptors=[require_role(verifier, READERS)], grace_s=1)
    with running(server):
        yield f"127.0.0.1:{server.port}"
