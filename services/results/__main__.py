"""Results as a service: `python -m services.results`; its other commands are about its database."""

import json
import sys

from shared.stop_signals import end_at_once

if __name__ == "__main__":
    end_at_once()  # before the imports, which take seconds
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
from medulla.v1 import results_pb2
from medulla.v1.results_pb2_grpc import add_ResultsServiceServicer_to_server

from services.results.access import READERS
from services.results.archive_metrics import MaintainArchive
from services.results.archiving import ArchiveScores
from services.results.audit_seal import Seal
from services.results.database import check_login
from services.results.erased_results import SweepErasedResults
from services.results.fhir_server import FhirServer, FhirSettings
from services.results.grpc_pixels import GrpcPixels
from services.results.grpc_scorer import GrpcScorer
from services.results.http_server import HttpServer
from services.results.monitored_bundles import MonitoredBundles
from services.results.oldest_dead_letter import OldestDeadLetter
from services.results.pending_slides import PendingSlides
from services.results.ports import ResultStore
from services.results.progress_feed import Feed
from services.results.queries import Queries
from services.results.refused import RefusedUploads
from services.results.rest import Backends, Login, create_app
from services.results.retention import RetainCases
from services.results.routes import FHIR, SERVICE, fhir_routes, routes
from services.results.servicer import ResultsServicer
from services.results.settings import ResultsSettings
from services.results.sql_store import SqlStore
from services.results.sql_views import SqlViews
from services.results.viewing import ForgetViews, Viewing
from shared import exit_codes, logs, renewed, rescoring, runtime
from shared.attempts import Attempts
from shared.blob.port import BlobStore
from shared.blob.s3 import S3Store
from shared.bus import topics
from shared.bus.dead_letter_topic import DeadLetterTopic
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_admin import read_topic
from shared.bus.kafka_backlog import oldest_record, retries, unfinished_since
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Producer
from shared.errors import MedullaError
from shared.health import HealthServer, Heartbeat, LastingYes
from shared.route import Route, subscriptions
from shared.rpc.auth import caller_check, require_role, verifier
from shared.rpc.client import channel
from shared.rpc.server import GrpcServer
from shared.settings import BadSettingsError, PlatformSettings, load
from shared.sweep import Every
from shared.times import utc_now
from shared.waiting import read_waiting
from shared.worker import Worker

_CALLS = 8
"""Parallel gRPC calls, in addition to those that watch progress."""
_WRONG_USAGE = 2
_log = logs.get(__name__)


def main(arguments: Sequence[str]) -> int:
    """Run until a signal, or one of the commands; returns the exit code."""
    if not arguments:
        return runtime.main(SERVICE, build)
    commands = {"migrate": migrate, "verify-audit": verify_audit, "archive": archive_scores}
    commands |= {"retain": retain_cases, "retain --dry-run": partial(retain_cases, dry_run=True)}
    if command := commands.get(" ".join(arguments)):
        return command()
    sys.stderr.write("usage: python -m services.results [migrate | verify-audit | archive | retain [--dry-run]]\n")
    return _WRONG_USAGE


def migrate() -> int:
    """Migrate the database to the newest schema; returns the exit code."""
    logs.configure(SERVICE)
    try:
        with closing(_store(load(ResultsSettings))) as results:
            results.migrate()
    except MedullaError as error:
        _log.error("cannot migrate", sentence=str(error))
        return exit_codes.exit_code(error)
    _log.info("the database has the newest schema")
    return exit_codes.OK


def verify_audit() -> int:
    """Verify the whole audit record, and print the report as JSON; returns the exit code, 1 for a problem."""
    logs.configure(SERVICE)
    try:
        with closing(_store(load(ResultsSettings), _bucket(load(PlatformSettings)))) as results:
            report = results.verify_whole_chain()
    except MedullaError as error:
        _log.error("cannot verify the audit record", sentence=str(error))
        return exit_codes.exit_code(error)
    sys.stdout.write(f"{json.dumps(asdict(report) | {'intact': report.intact})}\n")
    return exit_codes.OK if report.intact else exit_codes.AT_FAULT


def archive_scores() -> int:
    """Move superseded scores and their audit entries into the archive, and print how many; returns the exit code."""
    logs.configure(SERVICE)
    try:
        settings = load(ResultsSettings)
        with closing(_store(settings, _bucket(load(PlatformSettings)))) as results:
            results.check()
            done = ArchiveScores(results.engine, results.archive, timedelta(days=settings.archive_after_days))()
    except MedullaError as error:
        _log.error("cannot archive scores", sentence=str(error))
        return exit_codes.exit_code(error)
    sys.stdout.write(f"{json.dumps(asdict(done))}\n")
    return exit_codes.OK


def retain_cases(*, dry_run: bool = False) -> int:
    """Request the erasure of cases without activity, and print how many; returns the exit code."""
    logs.configure(SERVICE)
    try:
        settings, platform = load(ResultsSettings), load(PlatformSettings)
        if settings.cases_kept_days is None:
            raise BadSettingsError("RESULTS_CASES_KEPT_DAYS is not set: after how many days is a case erased?")
        before = utc_now() - timedelta(days=settings.cases_kept_days)
        with ExitStack() as stack:
            results = stack.enter_context(closing(_store(settings)))
            results.check()
            producer = None if dry_run else stack.enter_context(closing(KafkaProducerAdapter(platform.kafka)))
            done = RetainCases(results.engine, _bucket(platform), producer, settings.cases_erased_at_once)(before)
    except MedullaError as error:
        _log.error("cannot request erasures", sentence=str(error))
        return exit_codes.exit_code(error)
    sys.stdout.write(f"{json.dumps(asdict(done))}\n")
    return exit_codes.OK


def build(platform: PlatformSettings, stack: ExitStack) -> Sequence[runtime.Part | runtime.Held]:
    """The parts: health, REST, gRPC, the worker and the check for pending slides."""
    settings = load(ResultsSettings)
    verifying = verifier(platform.auth, settings.http_host)
    blobs = _bucket(platform)
    results = stack.enter_context(closing(_store(settings, blobs)))
    pixels = GrpcPixels(stack.enter_context(channel(settings.tiler_address, tls=settings.tiler_tls)))
    scorer = GrpcScorer(stack.enter_context(channel(settings.scorer_address, tls=settings.scorer_tls)))
    _prepare(results, settings)
    producer = KafkaProducerAdapter(platform.kafka)
    stack.callback(producer.close)
    letters = DeadLetterTopic(partial(read_topic, platform.kafka), producer)
    views = SqlViews(results.engine)
    listed = partial(read_waiting, blobs, partial(retries, platform.kafka, platform.s3.home), platform.trace_url)
    rescored = _rescoring(platform, blobs)
    oldest_letter = partial(oldest_record, platform.kafka, topics.DEAD_LETTERS)
    backends = Backends(results, blobs, verifying, producer, pixels, scorer, letters, listed, views, rescored)
    feed = Feed(results, settings.look_every_s, settings.watchers)
    attempts, served = Attempts(blobs), _served(settings, blobs, results)
    hearts = {group: Heartbeat(group) for group in served}
    checks: dict[str, Callable[[], bool]] = {"database": results.ready, "object store": LastingYes(blobs.reachable)}
    return (
        HealthServer(platform.http_host, platform.http_port, list(hearts.values()), checks),
        _http(settings, platform, backends, feed),
        _grpc(settings, platform, Queries(results, blobs), feed, Viewing(views)),
        attempts,
        *(_worker(group, platform, producer, each, attempts, hearts[group]) for group, each in served.items()),
        Every(settings.waiting_look_every_s, PendingSlides(blobs, results, settings.waiting_look_every_s)),
        Every(settings.waiting_look_every_s, RefusedUploads(blobs, results).forget_removed),
        Every(settings.waiting_look_every_s, SweepErasedResults(blobs, results)),
        Every(settings.waiting_look_every_s, results.refresh_summaries),
        Every(settings.waiting_look_every_s, MaintainArchive(results.engine, results.archive)),
        Every(settings.waiting_look_every_s, MonitoredBundles(blobs)),
        Every(settings.waiting_look_every_s, OldestDeadLetter(oldest_letter)),
        Every(settings.waiting_look_every_s, ForgetViews(views, timedelta(days=settings.views_kept_days))),
    )


def _rescoring(platform: PlatformSettings, blobs: BlobStore) -> Callable[[], rescoring.RescoringProgress]:
    backlog = partial(unfinished_since, platform.kafka, rescoring.GROUP, topics.CASES_RESCORE_BACKGROUND)
    return rescoring.RememberedProgress(partial(rescoring.rescoring_progress, blobs, backlog))


def _served(settings: ResultsSettings, blobs: BlobStore, results: ResultStore) -> dict[str, Sequence[Route[Any]]]:
    """Routes by consumer group."""
    served = {SERVICE: routes(blobs, results)}
    if fhir := settings.fhir:
        renew = renewed.Renewed(fhir, partial(_mounted_fhir, fhir))
        served[FHIR] = fhir_routes(blobs, results, FhirServer(fhir, renew))
    return served


def _mounted_fhir(first: FhirSettings) -> FhirSettings:
    return renewed.complete(load(ResultsSettings).fhir or first, first, "token")


def _bucket(platform: PlatformSettings) -> S3Store:
    return S3Store(platform.s3, renewed.s3(platform.s3))


def _store(settings: ResultsSettings, blobs: BlobStore | None = None) -> SqlStore:
    seal = renewed.Renewed(_seal(settings), partial(_mounted_seal, settings), every_s=0)
    url = _database_url(settings)
    renew = renewed.Renewed(url, partial(_mounted_database_url, settings), every_s=0)
    return SqlStore(url, seal=seal, renew=renew, blobs=blobs)


def _seal(settings: ResultsSettings) -> Seal | None:
    key = settings.audit_key
    return Seal(key.get_secret_value().encode()) if key else None


def _mounted_seal(first: ResultsSettings) -> Seal | None:
    return _seal(renewed.complete(load(ResultsSettings), first, "audit_key"))


def _database_url(settings: ResultsSettings) -> str:
    return settings.database_url.get_secret_value()


def _mounted_database_url(first: ResultsSettings) -> str:
    url = _database_url(renewed.complete(load(ResultsSettings), first, "database_url"))
    check_login(url, _database_url(first))
    return url


def _prepare(results: SqlStore, settings: ResultsSettings) -> None:
    if settings.migrate_at_start:
        results.migrate()
    results.check()


def _http(settings: ResultsSettings, platform: PlatformSettings, backends: Backends, feed: Feed) -> HttpServer:
    auth = platform.auth
    login = Login(auth.issuer, auth.client_id, settings.login_scope, settings.login_origins) if auth.issuer else None
    app = create_app(backends, login=login, feed=feed)
    return HttpServer(settings.http_host, settings.http_port, app, on_stop=feed.close)


def _grpc(
    settings: ResultsSettings, platform: PlatformSettings, queries: Queries, feed: Feed, viewing: Viewing
) -> GrpcServer:
    verifying = verifier(platform.auth, settings.grpc_address.rpartition(":")[0].strip("[]"))
    servicer = ResultsServicer(queries, feed, caller_check(verifying, READERS), viewing.of_calls(verifying))

    def register(server: grpc.Server) -> None:
        add_ResultsServiceServicer_to_server(servicer, server)

    workers = settings.watchers + _CALLS
    return GrpcServer(
        settings.grpc_address,
        register,
        interceptors=[require_role(verifying, READERS)],
        max_workers=workers,
        tls=settings.grpc_tls,
        reflects=results_pb2.DESCRIPTOR if platform.grpc_reflection else None,
    )


def _worker(
    group: str,
    platform: PlatformSettings,
    producer: Producer,
    served: Sequence[Route[Any]],
    attempts: Attempts,
    heart: Heartbeat,
) -> Worker:
    consumer = KafkaConsumerAdapter(platform.kafka, group, subscriptions(group, served), beat=heart.beat)
    return Worker(group, consumer, producer, served, attempts=attempts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
