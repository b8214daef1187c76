"""The fusion scorer as a service: `python -m services.fusion_scorer`."""

import sys

from shared.stop_signals import end_at_once

if __name__ == "__main__":
    end_at_once()  # before the imports, which take seconds
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import grpc
from medulla.v1 import scorer_pb2
from medulla.v1.scorer_pb2_grpc import add_ScorerServiceServicer_to_server

from services.fusion_scorer.erase import Forget
from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.landed_input import PREFIXES
from services.fusion_scorer.last_good import LastGood
from services.fusion_scorer.late_objects import SweepErased
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.refusal import SERVICE
from services.fusion_scorer.routes import on_landing, routes
from services.fusion_scorer.servicer import ScorerServicer
from services.fusion_scorer.settings import ScorerSettings
from services.fusion_scorer.what_if import WhatIf
from shared import logs, model_keys, renewed, runtime
from shared.attempts import Attempts
from shared.blob.s3 import S3Store
from shared.bus import kafka_admin, topics
from shared.bus.hint_backlog import unfinished_hints
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Producer
from shared.bus.sqs import SqsConsumer, connect
from shared.erased import letters_to_forget
from shared.handled import HandledUntil
from shared.health import HealthServer, Heartbeat, LastingYes
from shared.model.trial import Trial
from shared.program import program_version
from shared.route import Route, subscriptions
from shared.rpc.auth import EVERY_ROLE, require_role, verifier
from shared.rpc.server import GrpcServer
from shared.settings import PlatformSettings, load
from shared.sweep import EachObject, Every, Sweep
from shared.sweep_turns import InTurn
from shared.units import CaseId
from shared.worker import Worker

_log = logs.get(__name__)


def main() -> int:
    """Run until told to stop; the exit code."""
    return runtime.main(SERVICE, build)


def build(platform: PlatformSettings, stack: ExitStack) -> Sequence[runtime.Part | runtime.Held]:
    """The parts: health, gRPC, the workers and the sweeps."""
    settings = load(ScorerSettings)
    store = S3Store(platform.s3, renewed.s3(platform.s3))
    last_good = LastGood(store)
    key = renewed.Renewed(settings.public_key(), settings.public_key)
    bundles = Bundles(store, key, Trial(), last_good)
    _say_what_is_promoted(bundles)
    answers = _grpc(settings, platform, WhatIf(store, bundles, program_version()))
    producer = KafkaProducerAdapter(platform.kafka)
    stack.callback(producer.close)
    landing = on_landing(store, bundles, producer)
    hearts = [Heartbeat("worker"), *([Heartbeat("queue")] if settings.sqs else [])]
    attempts = Attempts(store)
    pointer = EachObject(store, model_keys.CURRENT_BUNDLE, landing.unseen_promotion)
    forget, home = _forgetter(platform, store, producer), platform.s3.home
    handled = HandledUntil(partial(unfinished_hints, platform.kafka, settings.sqs, SERVICE))
    inputs = Sweep(landing.unseen_inputs, producer, home, PREFIXES, handled_until=handled)
    bundle = Sweep(pointer, producer, home, [pointer.prefix], handled_until=handled)
    served = routes(store, bundles, producer, program_version(), forget, home)

    def in_turn(name: str, sweep: Callable[[], object]) -> Every:
        every_s, full_name = settings.sweep_every_s, f"{SERVICE}-{name}"
        return Every(every_s, InTurn(store, full_name, every_s, sweep), full_name)

    return (
        _health(platform, hearts, store, last_good),
        answers,
        attempts,
        *_workers(settings, platform, served, producer, attempts, hearts),
        Every(settings.sweep_every_s, bundle),
        in_turn("inputs", inputs),
        in_turn("cases", landing.sweep_cases),
        in_turn("erased", SweepErased(store)),
    )


def _health(
    platform: PlatformSettings, hearts: Sequence[Heartbeat], store: S3Store, last_good: LastGood
) -> HealthServer:
    checks, notes = {"object store": LastingYes(store.reachable)}, {"bundle": lambda: last_good.note}
    return HealthServer(platform.http_host, platform.http_port, hearts, checks, notes)


def _workers(
    settings: ScorerSettings,
    platform: PlatformSettings,
    served: Sequence[Route[Any]],
    producer: Producer,
    attempts: Attempts,
    hearts: Sequence[Heartbeat],
) -> Iterator[Worker]:
    """One worker on Kafka, and one on SQS where there is a queue.

    The first of `hearts` beats with Kafka's loop, the last with the queue's, so that one that hangs is seen.
    """
    read = subscriptions(SERVICE, served)
    kafka = KafkaConsumerAdapter(platform.kafka, SERVICE, read, settings.concurrency, hearts[0].beat)
    yield Worker(SERVICE, kafka, producer, served, attempts=attempts)
    if settings.sqs:
        queue = connect(settings.sqs.url, settings.sqs.region, settings.sqs.endpoint_url)
        yield Worker(
            SERVICE, SqsConsumer(queue, settings.concurrency, hearts[-1].beat), producer, served, attempts=attempts
        )


def _grpc(settings: ScorerSettings, platform: PlatformSettings, what_if: WhatIf) -> GrpcServer:
    host = settings.grpc_address.rpartition(":")[0].strip("[]")
    role_check = require_role(verifier(platform.auth, host), EVERY_ROLE)

    def register(server: grpc.Server) -> None:
        add_ScorerServiceServicer_to_server(ScorerServicer(what_if), server)

    reflects = scorer_pb2.DESCRIPTOR if platform.grpc_reflection else None
    return GrpcServer(
        settings.grpc_address, register, interceptors=[role_check], tls=settings.grpc_tls, reflects=reflects
    )


def _forgetter(platform: PlatformSettings, store: S3Store, producer: Producer) -> Forget:
    """Removes the letters of a case, and of all others that are marked as erased, from Kafka's topic."""

    def forget(case: CaseId) -> int:
        obsolete = partial(letters_to_forget, store, case)
        return kafka_admin.forget(platform.kafka, producer, topics.DEAD_LETTERS, obsolete)

    return forget


def _say_what_is_promoted(bundles: Bundles) -> None:
    """Find a bad bundle at start, not with the first case; without one the cases wait."""
    try:
        promoted = bundles.promoted()
        _log.info("bundle", name=promoted.bundle.manifest.name, digest=promoted.bundle.digest)
    except NoBundleError as error:
        _log.warning("no bundle yet", sentence=str(error), advice=error.advice)


if __name__ == "__main__":
    sys.exit(main())
