"""`medulla up`: every service in one process, on loopback: a folder as bucket, a bus in memory, SQLite, the page."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from medulla.v1.events_pb2 import Progress, SlideRejected

from services.embedder.routes import routes as embedder_routes
from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.routes import on_landing
from services.fusion_scorer.routes import routes as scorer_routes
from services.results.http_server import HttpServer
from services.results.progress_feed import Feed
from services.results.refused import RefusedUploads
from services.results.rest import create_app
from services.results.routes import routes as results_routes
from services.results.sql_store import SqlStore
from services.standalone.console import say
from services.standalone.errors import located
from services.standalone.folder_watch import FolderWatch
from services.standalone.laptop_results import LaptopResults
from services.standalone.pipeline import Options, Pipeline, open_pipeline
from services.standalone.selection import Item, Refused, parted
from services.standalone.told_refusals import ToldRefusals
from services.standalone.unreadable_files import UnreadableFiles
from services.standalone.workspace import open_workspace
from services.tiler.landings import Landings
from services.tiler.on_landing import OnLanding
from services.tiler.routes import routes as tiler_routes
from services.tiler.settling import SeriesSettings, Settling
from shared import keys, runtime
from shared.attempts import Attempts
from shared.blob.port import BlobStore
from shared.bus.events import to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Producer
from shared.errors import PermanentError
from shared.rpc.auth import OpenOnLoopback
from shared.settings import PlatformSettings, load
from shared.slides.listing import SlideListing
from shared.sweep import Every
from shared.text import clean
from shared.worker import Worker, subscriptions

HOST = "127.0.0.1"
DATABASE = "results.sqlite"
"""File of the results, in the watched folder."""
_NAME = "medulla"
_LOOK_EVERY_S = 1.0
"""How often the folder is searched for what landed."""
_LOOK_FOR_UNREADABLE_S = 10.0
_SWEEP_EVERY_S = 30.0
"""How often cases are checked for inputs removed without an event, for example while the program was stopped."""
_PATIENCE = SeriesSettings(settle_s=5, quiet_s=60)
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


def link(folder: Path, items: Sequence[Item]) -> list[Refused]:
    """Link slides that lie elsewhere into the watched folder; what was refused.

    Raises:
        PermanentError: none of them could be linked.
    """
    workspace = open_workspace(folder)
    slides, refused = parted(items)
    for slide in slides:
        try:
            workspace.link(slide)
        except PermanentError as error:
            refused.append(Refused(slide.path, error, slide.case_id, slide.slide_id))
    if items and len(refused) == len(items):
        raise located(refused[0].error, refused[0].path)
    return refused


def serve(place: Place, options: Options) -> int:
    """Run until told to stop; the exit code.

    Raises:
        PermanentError: the bundle or the encoder cannot be used.
        BusyAddressError: another program listens on the port.
    """
    with _parts(place, options) as parts:
        return runtime.run(_NAME, load(PlatformSettings, log_level="ERROR"), *parts, sentences=True)


def _report_unreadable(results: SqlStore, rejection: SlideRejected) -> None:
    say(f"Refused {clean(rejection.object_key)}: {rejection.sentence} [{rejection.reason}]. {rejection.advice}")
    results.record_rejection(rejection)


@contextmanager
def _parts(place: Place, options: Options) -> Iterator[list[runtime.Part]]:
    workspace, bus = open_workspace(place.folder), MemoryBus()
    _make_folders(place.folder)
    producer = bus.producer()

    def tell(event: Progress) -> None:
        producer.send([to_record(event, _NAME)])

    database = database_url(place.folder)
    with closing(LaptopResults(database)) as results, open_pipeline(workspace, options, tell) as pipeline:
        results.migrate()
        attempts = Attempts(workspace.store)
        yield [
            attempts,
            *_workers(pipeline, _bundles(workspace.store, place.bundle), results, bus, attempts),
            *(_watch(workspace.store, bus, prefix) for prefix in _WATCHED),
            Every(_SWEEP_EVERY_S, on_landing(workspace.store, Bundles(workspace.store), producer).sweep_cases),
            _page(place, workspace.store, results, producer),
            ToldRefusals(bus, _NAME),
            Every(_SWEEP_EVERY_S, RefusedUploads(workspace.store, results).forget_removed),
            Every(_LOOK_FOR_UNREADABLE_S, UnreadableFiles(place.folder, partial(_report_unreadable, results))),
        ]


def _workers(
    pipeline: Pipeline, bundles: Bundles, results: SqlStore, bus: MemoryBus, attempts: Attempts
) -> list[Worker]:
    store, producer = pipeline.workspace.store, bus.producer()
    plan_tiles = pipeline.plan_tiles
    landings, listing = Landings(store, plan_tiles.spec), SlideListing(store)
    served = {
        "tiler": tiler_routes(OnLanding(store, plan_tiles, landings, listing, Settling(_PATIENCE))),
        "embedder": embedder_routes(pipeline.embed_slide),
        "fusion_scorer": scorer_routes(store, bundles, producer, version("medulla"), lambda _: None),
        "results": results_routes(store, results),
    }
    return [
        Worker(name, bus.consumer(name, subscriptions(name, routes)), producer, routes, attempts=attempts)
        for name, routes in served.items()
    ]


def _watch(store: BlobStore, bus: MemoryBus, prefix: str) -> Every:
    return Every(_LOOK_EVERY_S, FolderWatch(store, bus.producer(), _NAME, prefix))


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
