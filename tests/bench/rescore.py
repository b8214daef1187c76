"""A promotion over stored cases: how fast they are scored again, and how long a live case waits meanwhile."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event
from typing import cast

import numpy as np
from sqlalchemy import create_engine, text

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.promoted import promote
from shared import keys, model_keys
from shared.bus.s3_events import announcement
from shared.home import Home
from shared.model.bundle_files import verify
from shared.units import CaseId
from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.bench.timing import p95
from tests.stack.process import free_ports
from tests.stack.services import Ports, Surroundings, four_services
from tests.stack.triton import Triton
from tests.support.fusion import store_slide
from tests.support.parts import KafkaPart, MinioPart, PostgresPart
from tests.support.renamed_bundle import renamed
from tests.support.system import DEMO_BUNDLE, RealParts, System

_PATIENCE_S = 300.0
_CASE_PATIENCE_S = 1.0
"""For each stored case, which take 0.05 s on two idle cores and 0.7 s beside much other work."""
_LOOK_AGAIN_S = 0.02
_LIVE_EVERY_S = 2.0
"""Pause between live cases, so that stored ones are scored between them."""
_TILES = 64
_CHANNELS = 1280
_WRITERS = 8


_SCORED_BY = text(
    "select count(*) from cases join scores on scores.case_id = cases.case_id and score_id = current_score_id"
    " where cases.case_id like 'STORED-%' and body like :digest"
)


class NotScoredError(Exception):
    """A live case was not scored in time."""


@dataclass
class Promotion:
    """What was measured of one promotion."""

    seconds: float = 0.0
    live_s: list[float] = field(default_factory=list)
    """From put to score over REST, of live cases that came meanwhile."""


def compare(kafka: KafkaPart, minio: MinioPart, postgres: PostgresPart, size: Size, folder: Path) -> Section:
    """Live cases on an idle system and during a promotion; then another promotion on its own."""
    with _running(RealParts(kafka, minio, postgres, cast("Triton", None)), folder) as system:
        live = _Live(system)
        idle = [live() for _ in range(size.live_cases + 1)][1:]
        _seed(system, size.stored_cases)
        beside = _promote(system, renamed(folder / "other", "other"), size.stored_cases, live)
        alone = _promote(system, DEMO_BUNDLE, size.stored_cases)
    return _section(size, idle, beside, alone)


def _section(size: Size, idle: list[float], beside: Promotion, alone: Promotion) -> Section:
    rows = [
        Row("cases scored again", "cases/s", [size.stored_cases / alone.seconds]),
        Row("  the same beside live cases", "cases/s", [size.stored_cases / beside.seconds]),
        Row("live case, put to score over REST, p95 idle", "ms", [1000 * p95(idle)]),
        Row("  the same during a promotion", "ms", [1000 * p95(beside.live_s)], "idle", [1000 * p95(idle)]),
    ]
    notes = [
        f"{size.stored_cases} cases of a record and a bag of {_TILES} tiles; two promotions, one after the other",
        f"p95 of {len(idle)} live cases idle and {len(beside.live_s)} during the first promotion",
    ]
    return Section("Rescoring: fusion scorer and results on Kafka, MinIO and PostgreSQL", rows, notes)


@contextmanager
def _running(parts: RealParts, folder: Path) -> Iterator[System]:
    """Scorer and results on a bucket that announces nothing, with the demo bundle promoted."""
    surroundings = Surroundings(
        bootstrap=parts.kafka.bootstrap,
        s3_endpoint=parts.minio.endpoint,
        s3_access_key=parts.minio.access_key,
        s3_secret_key=parts.minio.secret_key,
        bucket=parts.minio.bucket("rescore"),
        database_url=parts.postgres.database(),
        triton_url="",
    )
    ports = Ports(*free_ports(8))
    services = four_services(folder, surroundings, ports)
    system = System(parts, services, surroundings, ports)
    promote(system.store, DEMO_BUNDLE)
    with ExitStack() as stack:
        for name in ("fusion_scorer", "results"):
            stack.callback(services[name].stop)
            services[name].start()
        yield system


class _Live:
    """Puts a record of a new case, announces it, and waits for its score; seconds."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._numbers = count()

    def __call__(self) -> float:
        case, start = f"LIVE-{next(self._numbers)}", time.monotonic()
        self._system.land_record(case)
        _announce(self._system, f"{keys.CLINICAL}{case}.json")
        while "score" not in self._system.case(case):
            if time.monotonic() > start + _PATIENCE_S:
                raise NotScoredError(f"case {case} has no score after {_PATIENCE_S:.0f} s")
            Event().wait(_LOOK_AGAIN_S)
        return time.monotonic() - start


def _announce(system: System, key: str) -> None:
    info = system.store.head(key)
    assert info is not None
    system.send(announcement(Home(system.bucket), key, info.etag))


def _seed(system: System, cases: int) -> None:
    """Store cases as the services would have, without an event."""
    store, encoder = system.store, verify(DEMO_BUNDLE).manifest.encoder
    assert encoder is not None
    index, rows = CaseIndex(store), np.random.default_rng(1).random((_TILES, _CHANNELS)).astype(np.float32)

    def store_case(number: int) -> None:
        case = CaseId(f"STORED-{number}")
        system.land_record(case)
        event = store_slide(store, case, "a.svs", rows + number / cases)
        event.bag.encoder_digest = encoder.digest
        index.put_slide(event)

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(store_case, range(cases)))


def _promote(system: System, bundle: Path, cases: int, live: Callable[[], float] | None = None) -> Promotion:
    """Promote, and put `live` cases until every stored case is scored by the bundle."""
    promoted = promote(system.store, bundle)
    start, done = time.monotonic(), Promotion()
    _announce(system, model_keys.CURRENT_BUNDLE)
    patience_s = max(_PATIENCE_S, _CASE_PATIENCE_S * cases)
    while _scored_by(system, promoted.digest) < cases:
        if time.monotonic() > start + patience_s:
            raise NotScoredError(f"not all cases were scored in {patience_s:.0f} s")
        if live:
            done.live_s.append(live())
        Event().wait(_LIVE_EVERY_S if live else 1.0)
    done.seconds = time.monotonic() - start
    return done


def _scored_by(system: System, digest: str) -> int:
    """Stored cases whose current score is of a bundle."""
    engine = create_engine(system.surroundings.database_url)
    with closing(engine.connect()) as connection:
        return int(connection.execute(_SCORED_BY, {"digest": f"%{digest}%"}).scalar_one())
