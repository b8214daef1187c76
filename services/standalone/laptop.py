"""Every service in one process on loopback, with a folder as bucket, a bus in memory, SQLite and the page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

from medulla.v1.events_pb2 import Progress, SlideRejected

from services.embedder.routes import routes as embedder_routes
from services.fusion_scorer.late_objects import SweepErased
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.routes import on_landing
from services.fusion_scorer.routes import routes as scorer_routes
from services.fusion_scorer.what_if import WhatIf
from services.results.erased_results import SweepErasedResults
from services.results.http_server import HttpServer
from services.results.progress_feed import Feed
from services.results.refused import RefusedUploads
from services.results.rest import PAGE, Backends, create_app
from services.results.routes import routes as results_routes
from services.results.sql_store import SqlStore
from services.standalone.console import say
from services.standalone.errors import located
from services.standalone.folder_watch import FolderWatch
from services.standalone.guide_routes import guide_routes
from services.standalone.guide_site import Guide
from services.standalone.laptop_bundle import bundle_folder, promoted_bundles
from services.standalone.laptop_pixels import LaptopPixels, laptop_pixels
from services.standalone.laptop_results import LaptopResults, database_url
from services.standalone.laptop_scorer import LaptopScorer
from services.standalone.pipeline import Pipeline, open_pipeline
from services.standalone.pipeline_options import Options
from services.standalone.printed_refusals import PrintedRefusals
from services.standalone.selection import Item, Refused, parted
from services.standalone.unknown_vectors import UnknownVectors
from services.standalone.unreadable_files import UnreadableFiles
from services.standalone.workspace import open_workspace
from services.tiler.landings import Landings
from services.tiler.on_landing import OnLanding
from services.tiler.routes import routes as tiler_routes
from services.tiler.settling import SeriesSettings, Settling
from shared import keys, runtime
from shared.attempts import Attempts
from shared.blob.port import BlobStore
from shared.bus import topics
from shared.bus.dead_letter_topic import DeadLetterTopic
from shared.bus.events import to_record
from shared.bus.memory import MemoryBus
from shared.bus.s3_events import ANNOUNCED
from shared.erased import ErasedCases, letters_to_forget
from shared.errors import PermanentError
from shared.home import Home
from shared.model.record import ReadRecord, parse_record
from shared.program import program_version
from shared.route import subscriptions
from shared.rpc.auth import OpenOnLoopback
from shared.settings import PlatformSettings, load
from shared.slides.listing import SlideListing
from shared.sweep import Every
from shared.text import clean
from shared.units import CaseId
from shared.worker import Worker

HOST = "127.0.0.1"
_NAME = "medulla"
_HOME = Home(_NAME)
_LOOK_EVERY_S = 1.0
"""How often the folder is searched for new files."""
_DRAIN_S = 10.0
"""How long writes, scores and requests in work may take after Ctrl-C."""
_LOOK_FOR_UNREADABLE_S = 10.0
_SWEEP_EVERY_S = 30.0
"""How often cases are checked for inputs removed without an event, for example while the program was stopped."""
_PATIENCE = SeriesSettings(settle_s=5, quiet_s=60)


@dataclass(frozen=True)
class Deployment:
    """Folder, port and bundle of the services on a laptop, and how they read clinical records."""

    folder: Path
    port: int
    bundle: Path | None
    read_record: ReadRecord = parse_record
    despite_reservations: bool = False
    """Promote `bundle` although its card says what speaks against it."""

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.port}"


def link(folder: Path, items: Sequence[Item]) -> list[Refused]:
    """Link slides from other folders into the watched folder; returns the refused ones.

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


def serve(deployment: Deployment, options: Options, announce: Callable[[], None]) -> int:
    """Run until a signal; returns the exit code. `announce` is called once the page's port is open.

    Raises:
        PermanentError: the bundle or the encoder cannot be used.
        BusyAddressError: another program listens on the port.
    """
    with _parts(deployment, options) as parts:
        announce()
        platform = load(PlatformSettings, log_level="ERROR", drain_timeout_s=_DRAIN_S)
        return runtime.run(_NAME, platform, *parts, sentences=True)


@dataclass(frozen=True)
class Interruption:
    """A part: cuts off slides in work when the process stops, since the next start goes on with them."""

    pipeline: Pipeline

    def run(self, stop: Event) -> None:
        """Wait for `stop`."""
        stop.wait()
        self.pipeline.interrupt()


def _report_unreadable(results: SqlStore, rejection: SlideRejected) -> None:
    say(f"Refused {clean(rejection.object_key)}: {rejection.sentence} [{rejection.reason}]. {rejection.advice}")
    results.record_rejection(rejection)


@contextmanager
def _parts(deployment: Deployment, options: Options) -> Iterator[list[runtime.Part]]:
    workspace, bus = open_workspace(deployment.folder), MemoryBus()
    _make_folders(deployment.folder)
    producer = bus.producer()
    bundles = promoted_bundles(workspace, deployment.bundle, despite_reservations=deployment.despite_reservations)
    shown_bundle = bundle_folder(workspace, bundles, deployment.bundle)

    def on_progress(event: Progress) -> None:
        producer.send([to_record(event, _NAME)])

    database = database_url(deployment.folder)
    with (
        closing(LaptopResults(database, shown_bundle)) as results,
        open_pipeline(workspace, options, on_progress) as pipeline,
        laptop_pixels(pipeline) as pixels,
    ):
        results.migrate()
        attempts = Attempts(workspace.store)
        yield [
            attempts,
            Interruption(pipeline),
            *_workers(deployment, bundles, pipeline, results, bus, attempts),
            *(_watch(workspace.store, bus, prefix) for prefix in ANNOUNCED),
            Every(_SWEEP_EVERY_S, on_landing(workspace.store, bundles, producer).sweep_cases),
            Every(_SWEEP_EVERY_S, SweepErased(workspace.store)),
            Every(_SWEEP_EVERY_S, SweepErasedResults(workspace.store, results)),
            _page(deployment, bundles, workspace.store, results, bus, pixels),
            PrintedRefusals(bus, _NAME, partial(is_current, workspace.store), bundle=shown_bundle),
            Every(_SWEEP_EVERY_S, RefusedUploads(workspace.store, results).forget_removed),
            Every(_LOOK_FOR_UNREADABLE_S, UnreadableFiles(deployment.folder, partial(_report_unreadable, results))),
            Every(_LOOK_FOR_UNREADABLE_S, UnknownVectors(workspace.store, bundles)),
        ]


def is_current(store: BlobStore, rejection: SlideRejected) -> bool:
    """Whether a refusal is about the version of a file that is in the folder now, or about no one file."""
    if not (rejection.object_key and rejection.object_etag):
        return True
    info = store.head(rejection.object_key)
    return info is not None and info.etag == rejection.object_etag


def _workers(
    deployment: Deployment,
    bundles: Bundles,
    pipeline: Pipeline,
    results: SqlStore,
    bus: MemoryBus,
    attempts: Attempts,
) -> list[Worker]:
    store, producer = pipeline.workspace.store, bus.producer()
    plan_tiles = pipeline.plan_tiles
    landings, listing = Landings(store, plan_tiles.spec), SlideListing(store)
    served = {
        "tiler": tiler_routes(OnLanding(store, plan_tiles, landings, listing, Settling(_PATIENCE)), _HOME),
        "embedder": embedder_routes(pipeline.embed_slide),
        "fusion_scorer": scorer_routes(
            store,
            bundles,
            producer,
            program_version(),
            partial(_forget_letters, bus, store),
            _HOME,
            read_record=deployment.read_record,
        ),
        "results": results_routes(store, results),
    }
    return [
        Worker(name, bus.consumer(name, subscriptions(name, routes)), producer, routes, attempts=attempts)
        for name, routes in served.items()
    ]


def _forget_letters(bus: MemoryBus, store: BlobStore, case: CaseId) -> int:
    return bus.forget(topics.DEAD_LETTERS, letters_to_forget(store, case))


def _watch(store: BlobStore, bus: MemoryBus, prefix: str) -> Every:
    return Every(_LOOK_EVERY_S, FolderWatch(store, bus.producer(), _HOME, prefix, is_erased=partial(_is_erased, store)))


def _is_erased(store: BlobStore, key: str) -> bool:
    return ErasedCases(store).holds(keys.named_in(key).get("case_id", ""))


def _page(
    deployment: Deployment, bundles: Bundles, store: BlobStore, results: SqlStore, bus: MemoryBus, pixels: LaptopPixels
) -> HttpServer:
    feed = Feed(results)
    scorer = LaptopScorer(WhatIf(store, bundles, program_version(), deployment.read_record))
    producer = bus.producer()
    letters = DeadLetterTopic(bus.deliveries, producer)
    app = create_app(
        Backends(results, store, OpenOnLoopback(HOST), producer, pixels=pixels, scorer=scorer, letters=letters),
        feed=feed,
        guide=guide_routes(Guide(), PAGE / "style.css"),
    )
    return HttpServer(HOST, deployment.port, app, on_stop=feed.close)


def _make_folders(folder: Path) -> None:
    for name in keys.LANDED:
        (folder / name).mkdir(parents=True, exist_ok=True)
