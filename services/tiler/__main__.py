"""The tiler as a service: `python -m services.tiler`."""

import sys

from shared.stop_signals import end_at_once

if __name__ == "__main__":
    end_at_once()  # before the imports, which take seconds
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import grpc
from medulla.v1 import tiles_pb2

from services.tiler.bounded_streams import BoundedStreams, Stream
from services.tiler.chunks import StreamChunks
from services.tiler.handler import PlanTiles
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.landings import Landings
from services.tiler.messages import SERVICE
from services.tiler.on_grids import OnGrids
from services.tiler.on_landing import OnLanding
from services.tiler.open_views import OpenViews
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec
from services.tiler.ranged_stream import RangedStreams
from services.tiler.regions import ReadRegions
from services.tiler.routes import routes
from services.tiler.scratch import Scratch
from services.tiler.servicer import TileServicer, add_tile_service
from services.tiler.settings import TilerSettings
from services.tiler.settling import Settling
from services.tiler.slide_view import ViewOpener
from services.tiler.unplanned import Unplanned
from shared import keys, renewed, runtime
from shared.attempts import Attempts
from shared.blob.s3 import S3Store
from shared.bus.hint_backlog import unfinished_hints
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.lossy import LossySender
from shared.bus.port import Producer
from shared.bus.sqs import SqsConsumer, connect
from shared.handled import HandledUntil
from shared.health import HealthServer, Heartbeat, LastingYes
from shared.route import subscriptions
from shared.rpc.server import GrpcServer
from shared.settings import PlatformSettings, load
from shared.slides.listing import SlideListing
from shared.sweep import Every, Sweep
from shared.sweep_turns import InTurn
from shared.worker import Worker

_LOOKS = 10
"""Checks for idle slides on scratch per `idle_s`."""
_MIB = 2**20
_SPARE_WORKERS = 4
"""gRPC threads in addition to those that stream or read regions, so that health and refusals are answered at once."""


def main() -> int:
    """Run until a signal; returns the exit code."""
    return runtime.main(SERVICE, build)


def build(platform: PlatformSettings, stack: ExitStack) -> Sequence[runtime.Part | runtime.Held]:
    """The parts: health, progress, gRPC, the workers and the sweep."""
    settings = load(TilerSettings)
    store = S3Store(platform.s3, renewed.s3(platform.s3))
    scratch = stack.enter_context(Scratch(store, settings.scratch))
    producer = KafkaProducerAdapter(platform.kafka)
    stack.callback(producer.close)
    plans = PlanStore(store)
    pool = stack.enter_context(ThreadPoolExecutor(settings.decode_threads, "decode"))
    open_slide = stack.enter_context(isolated_readers(settings.limits))
    progress = LossySender(producer, SERVICE)
    on_landing = _on_grids(settings, store, scratch, open_slide, progress)
    unplanned = Unplanned(store, SlideListing(store), [grid.landings for grid in on_landing.grids], settings.mpp)
    handled = HandledUntil(partial(unfinished_hints, platform.kafka, settings.sqs, SERVICE))
    sweep = Sweep(unplanned, producer, platform.s3.home, [keys.SLIDES], handled_until=handled)
    in_turn = InTurn(store, f"{SERVICE}-slides", settings.sweep_every_s, sweep)
    ranged = RangedStreams(store, plans, open_slide)
    chunks = StreamChunks(scratch, plans, pool, open_slide, settings.check_every_s, ranged)
    views = stack.enter_context(_views(settings, store, scratch, open_slide))
    regions = ReadRegions(views, plans, settings.views.regions)
    hearts = [Heartbeat("worker"), *([Heartbeat("queue")] if settings.sqs else [])]
    attempts = Attempts(store, turn_s=settings.longest_turn_s)
    return (
        HealthServer(platform.http_host, platform.http_port, hearts, {"object store": LastingYes(store.reachable)}),
        progress,
        _grpc(settings, platform, BoundedStreams(chunks, settings.max_streams), regions),
        attempts,
        *_workers(settings, platform, on_landing, producer, attempts, hearts),
        Every(settings.sweep_every_s, in_turn, in_turn.name),
        Every(settings.scratch.idle_s / _LOOKS, scratch.drop_idle),
        Every(settings.views.idle_s / _LOOKS, views.drop_idle),
    )


def _on_grids(
    settings: TilerSettings, store: S3Store, scratch: Scratch, open_slide: IsolatedReaders, progress: LossySender
) -> OnGrids:
    plans, settling, every_s = PlanStore(store), Settling(settings.series), settings.check_every_s

    def of_grid(spec: PlanSpec) -> OnLanding:
        plan_tiles = PlanTiles(
            store, scratch, plans, spec, settings.mpp, open_slide.for_plans, progress.submit, every_s
        )
        return OnLanding(store, plan_tiles, Landings(store, spec), SlideListing(store), settling)

    return OnGrids([of_grid(spec) for spec in settings.plans])


def _workers(
    settings: TilerSettings,
    platform: PlatformSettings,
    on_landing: OnGrids,
    producer: Producer,
    attempts: Attempts,
    hearts: Sequence[Heartbeat],
) -> Iterator[Worker]:
    """One worker on Kafka, which also reads the retry topic, and one on SQS if a queue is configured.

    The first of `hearts` beats with Kafka's loop, the last with the queue's, so that a hanging loop is detected.
    """
    served = routes(on_landing, platform.s3.home)
    read = subscriptions(SERVICE, served)
    kafka = KafkaConsumerAdapter(platform.kafka, SERVICE, read, settings.concurrency, hearts[0].beat)
    yield Worker(SERVICE, kafka, producer, served, attempts=attempts)
    if settings.sqs:
        queue = connect(settings.sqs.url, settings.sqs.region, settings.sqs.endpoint_url)
        yield Worker(
            SERVICE, SqsConsumer(queue, settings.concurrency, hearts[-1].beat), producer, served, attempts=attempts
        )


def _views(settings: TilerSettings, store: S3Store, scratch: Scratch, open_slide: IsolatedReaders) -> OpenViews:
    limits = settings.views
    opener = ViewOpener(store, scratch, open_slide, limits.cache_mb * _MIB, settings.check_every_s)
    return OpenViews(opener, limits.slides, limits.idle_s)


def _grpc(settings: TilerSettings, platform: PlatformSettings, stream: Stream, regions: ReadRegions) -> GrpcServer:
    def register(server: grpc.Server) -> None:
        add_tile_service(TileServicer(stream, regions), server)

    return GrpcServer(
        settings.address,
        register,
        max_message_mb=settings.max_message_mb,
        max_workers=settings.max_streams + settings.views.regions + _SPARE_WORKERS,
        tls=settings.tls,
        reflects=tiles_pb2.DESCRIPTOR if platform.grpc_reflection else None,
    )


if __name__ == "__main__":
    sys.exit(main())
