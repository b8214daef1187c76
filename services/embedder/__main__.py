"""The embedder as a service: `python -m services.embedder`."""

import sys

from shared.stop_signals import end_at_once

if __name__ == "__main__":
    end_at_once()  # before the imports, which take seconds
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta

import grpc

from services.embedder import known_tile
from services.embedder.backlog import Backlog
from services.embedder.batcher import Batcher, Batching
from services.embedder.chunks import CheckedTiles
from services.embedder.encoder_trial import EncoderTrial
from services.embedder.events import SERVICE
from services.embedder.grpc_tile_source import GrpcTileSource
from services.embedder.handler import EmbedSlide
from services.embedder.manifest import read_manifest
from services.embedder.onnx_encoder import GPU_BATCH, OnnxEncoder
from services.embedder.ports import Encoder
from services.embedder.routes import routes
from services.embedder.settings import EmbedderSettings
from services.embedder.triton_encoder import TritonEncoder
from shared import logs, renewed, runtime
from shared.attempts import Attempts
from shared.blob.port import BlobStore
from shared.blob.s3 import S3Store
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.lossy import LossySender
from shared.health import Check, HealthServer, Heartbeat, LastingYes
from shared.malloc import return_memory
from shared.route import subscriptions
from shared.rpc.client import channel
from shared.settings import PlatformSettings, load
from shared.slides.served_encoders import serve
from shared.sweep import Every
from shared.worker import Worker

_log = logs.get(__name__)


@dataclass(frozen=True)
class Chosen:
    """A checked encoder, its batch settings and its readiness check."""

    encoder: Encoder
    batching: Batching
    checks: Mapping[str, Check] = field(default_factory=dict)


def main() -> int:
    """Run until a signal; returns the exit code."""
    return_memory()
    return runtime.main(SERVICE, build)


def build(platform: PlatformSettings, stack: ExitStack) -> Sequence[runtime.Part | runtime.Held]:
    """The parts: health, progress, the worker and the sweep of what its encoder has not embedded."""
    settings = load(EmbedderSettings)
    chosen = checked_encoder(settings, stack)
    store = S3Store(platform.s3, renewed.s3(platform.s3))
    producer = KafkaProducerAdapter(platform.kafka)
    stack.callback(producer.close)
    progress = LossySender(producer, SERVICE)
    embed = _embed_slide(settings, chosen, store, progress, stack)
    group, manifest = settings.group, chosen.encoder.manifest
    served = routes(embed, group, passes_grids=settings.other_grids == "pass")
    heart, attempts = Heartbeat("worker"), Attempts(store, turn_s=settings.turn_s)
    consumer = KafkaConsumerAdapter(
        platform.kafka, group, subscriptions(group, served), settings.concurrency, heart.beat
    )
    checks: dict[str, Callable[[], bool]] = {"object store": LastingYes(store.reachable), **chosen.checks}
    backlog = Backlog(store, manifest, producer.send, group, timedelta(seconds=settings.sweep_after_s))
    serve(store, group, manifest.name, manifest.digest)
    return (
        HealthServer(platform.http_host, platform.http_port, [heart], checks),
        progress,
        attempts,
        Worker(group, consumer, producer, served, attempts=attempts),
        Every(settings.sweep_every_s, backlog),
    )


def _embed_slide(
    settings: EmbedderSettings, chosen: Chosen, store: BlobStore, progress: LossySender, stack: ExitStack
) -> EmbedSlide:
    batcher = stack.enter_context(Batcher(chosen.encoder, chosen.batching))
    tiles = stack.enter_context(closing(GrpcTileSource(_tiler(settings))))
    return EmbedSlide(
        CheckedTiles(tiles),
        batcher,
        store,
        progress.submit,
        max_corrupt=settings.max_corrupt,
        progress_every_s=settings.progress_every_s,
        turn_s=settings.turn_s,
        limit_s=settings.limit_s,
        check_every_s=settings.check_every_s,
    )


def checked_encoder(settings: EmbedderSettings, stack: ExitStack) -> Chosen:
    """Open the encoder of the settings and check its answer for the known tile.

    Raises:
        UnknownEncoderError: it does not exist or gives a wrong answer.
        EncoderAlteredError: its file is not the one its manifest describes.
        TransientError: Triton is down.
    """
    chosen = _on_triton(settings, stack) if settings.triton_url else _in_process(settings)
    known_tile.check(chosen.encoder)
    manifest = chosen.encoder.manifest
    _log.info("encoder", name=manifest.name, digest=manifest.digest, device=chosen.batching.device)
    return chosen


def _in_process(settings: EmbedderSettings) -> Chosen:
    EncoderTrial()(settings.encoder)
    encoder = OnnxEncoder(settings.encoder, settings.threads, settings.batch)
    return Chosen(encoder, Batching(encoder.batch, in_flight=2, device=encoder.device))


def _on_triton(settings: EmbedderSettings, stack: ExitStack) -> Chosen:
    size, in_flight = settings.batch or GPU_BATCH, settings.batches_in_flight
    plain = stack.enter_context(_triton(settings, size, shared_memory=False))
    plain.wait_until_ready(settings.triton_start_s)
    mode = settings.triton_shared_memory
    shared = mode == "on" or (mode == "auto" and plain.shares_memory())
    encoder = stack.enter_context(_triton(settings, size, shared_memory=True)) if shared else plain
    _log.info("triton", url=settings.triton_url, shared_memory=shared)
    return Chosen(encoder, Batching(size, in_flight, device="triton"), {"triton": encoder.ready})


def _triton(settings: EmbedderSettings, size: int, shared_memory: bool) -> TritonEncoder:
    return TritonEncoder(
        read_manifest(settings.encoder),
        settings.triton_url,
        shared_memory,
        batch=size,
        in_flight=settings.batches_in_flight,
        timeout_s=settings.triton_timeout_s,
    )


def _tiler(settings: EmbedderSettings) -> grpc.Channel:
    return channel(settings.tiler_address, tls=settings.tiler_tls, max_message_mb=settings.max_message_mb)


if __name__ == "__main__":
    sys.exit(main())
