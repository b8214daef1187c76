"""`medulla up`: every service in one process, on loopback: a folder as bucket, a bus in memory, SQLite, the page."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from threading import Event

from medulla.v1.events_pb2 import Progress

from services.embedder.routes import routes as embedder_routes
from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.routes import routes as scorer_routes
from services.results.http_server import HttpServer
from services.results.progress_feed import Feed
from services.results.rest import create_app
from services.results.routes import routes as results_routes
from services.results.sql_store import SqlStore
from services.standalone.console import say
from services.standalone.pipeline import Options, Pipeline, open_pipeline
from services.standalone.workspace import open_workspace
from services.tiler.handler import OnLanding
from services.tiler.landings import Landings
from services.tiler.routes import routes as tiler_routes
from shared import keys, runtime
from shared.blob.port import BlobInfo, BlobStore
from shared.bus import dead_letters, topics
from shared.bus.events import to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Delivery, Producer
from shared.rpc.auth import OpenOnLoopback
from shared.settings import PlatformSettings, load
from shared.sweep import Every, Sweep
from shared.worker import Worker, subscriptions

HOST = "127.0.0.1"
DATABASE = "results.sqlite"
"""File of the results, in the watched folder."""
_NAME = "medulla"
_LOOK_EVERY_S = 1.0
"""How often the folder is searched for what landed."""
_SETTLED_S = 2.0
"""A file that nobody has written to for so long counts as whole."""
_WATCHED = (keys.SLIDES, keys.CLINICAL, keys.CURRENT_BUNDLE)


@dataclass(frozen=True)
class Place:
    """Where the laptop's services keep their files and listen."""

    folder: Path
    port: int
    bundle: Path

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True)
class NewHere:
    """True once for each version of an object, when nobody has written to it for a moment: it may not be whole yet.

    The bus forgets with the process, so everything is announced again at start; what was done before is found done.
    """

    announced: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, info: BlobInfo) -> bool:
        """Whether this version is to be announced now."""
        seen = (info.key, info.etag) in self.announced
        if seen or time.time() - info.last_modified.timestamp() < _SETTLED_S:
            return False
        self.announced.add((info.key, info.etag))
        return True


def serve(place: Place, options: Options) -> int:
    """Run until told to stop; the exit code.

    Raises:
        PermanentError: the bundle or the encoder cannot be used.
        BusyAddressError: another program listens on the port.
    """
    with _parts(place, options) as parts:
        return runtime.run(_NAME, load(PlatformSettings, log_level="ERROR"), *parts)


@dataclass(frozen=True)
class Refusals:
    """A part: tells the person at the terminal of every refused input, by file, in one sentence."""

    bus: MemoryBus

    def run(self, stop: Event) -> None:
        """Go on until `stop` is set."""
        self.bus.consumer("refusals", [topics.DEAD_LETTERS]).run(stop, _tell_refusal)


def _tell_refusal(delivery: Delivery) -> None:
    letter = dead_letters.read(delivery.record)
    say(f"Refused {letter.key.removeprefix(f'{_NAME}/')}: {letter.sentence} [{letter.reason}]. {letter.advice}")


@contextmanager
def _parts(place: Place, options: Options) -> Iterator[list[runtime.Part]]:
    workspace, bus = open_workspace(place.folder), MemoryBus()
    _make_folders(place.folder)
    producer = bus.producer()

    def tell(event: Progress) -> None:
        producer.send([to_record(event, _NAME)])

    with closing(SqlStore(database_url(place.folder))) as results, open_pipeline(workspace, options, tell) as pipeline:
        results.migrate()
        yield [
            *_workers(pipeline, _bundles(workspace.store, place.bundle), results, bus),
            *(_watch(workspace.store, bus, prefix) for prefix in _WATCHED),
            _page(place, workspace.store, results, producer),
            Refusals(bus),
        ]


def _workers(pipeline: Pipeline, bundles: Bundles, results: SqlStore, bus: MemoryBus) -> list[Worker]:
    store, producer = pipeline.workspace.store, bus.producer()
    plan_tiles = pipeline.plan_tiles
    served = {
        "tiler": tiler_routes(OnLanding(store, plan_tiles, Landings(store, plan_tiles.spec))),
        "embedder": embedder_routes(pipeline.embed_slide),
        "fusion_scorer": scorer_routes(store, bundles, producer, version("medulla"), lambda _: None),
        "results": results_routes(store, results),
    }
    return [
        Worker(name, bus.consumer(name, subscriptions(name, routes)), producer, routes)
        for name, routes in served.items()
    ]


def _watch(store: BlobStore, bus: MemoryBus, prefix: str) -> Every:
    return Every(_LOOK_EVERY_S, Sweep(store, bus.producer(), _NAME, prefix, NewHere()))


def database_url(folder: Path) -> str:
    """The SQLite file of a watched folder."""
    return f"sqlite:///{folder / DATABASE}"


def _page(place: Place, store: BlobStore, results: SqlStore, producer: Producer) -> HttpServer:
    feed = Feed(results)
    app = create_app(results, store, OpenOnLoopback(HOST), producer, feed=feed)
    return HttpServer(HOST, place.port, app, on_stop=feed.close)


def _bundles(store: BlobStore, bundle: Path) -> Bundles:
    """The folder's promoted bundle; the given one where none is."""
    bundles = Bundles(store)
    try:
        bundles.promoted()
    except NoBundleError:
        promote(store, bundle)
    return bundles


def _make_folders(folder: Path) -> None:
    for name in (keys.SLIDES, keys.CLINICAL):
        (folder / name).mkdir(parents=True, exist_ok=True)
