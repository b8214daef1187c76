"""Latency of a slide through four processes on the real parts, compared with the same work in this process."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Event

import psycopg

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score_case import ScoreCase
from services.standalone.local_slides import SlideFile
from services.standalone.pipeline import open_pipeline
from services.standalone.pipeline_options import Options
from services.standalone.workspace import Workspace
from shared.bus import topics
from shared.units import CaseId
from tests.bench import cpu_time, material
from tests.bench.memory import programs
from tests.bench.processes import pid_of
from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.support.system import DEMO_BUNDLE, System

_PATIENCE_S = 240.0
_LOOK_AGAIN_S = 0.01
_LOOK_RARELY_S = 0.05
"""For slides of seconds: each look takes the processors' time from them."""
_SCORED = "SELECT 1 FROM scores WHERE case_id = %s LIMIT 1"
_WAY = (topics.S3_EVENTS, topics.SLIDES_TILED, topics.SLIDES_EMBEDDED, topics.CASES_SCORED)
_HERE = "the same work in process"
ANNOUNCED = f"hop to {topics.S3_EVENTS}"
HOPS = (ANNOUNCED, *(f"hop to {topic}" for topic in _WAY[1:]), "hop to REST")
"""Rows of a slide's way, each since the one before; the first is the store's own."""
_HANDLERS = {
    HOPS[1]: [("tiler", topics.S3_EVENTS)],
    HOPS[2]: [("embedder", topics.SLIDES_TILED)],
    HOPS[3]: [("fusion_scorer", topics.SLIDES_EMBEDDED), ("fusion_scorer", topics.CASES_RESCORE)],
    HOPS[4]: [("results", topics.CASES_SCORED)],
}
"""What each hop waits for, and what works in it: the rest is sending and looking."""
THROUGH_SERVICES = "announced to score over REST"
_NOTES = ("MinIO keeps its events on disk and looks there every 3 s; another store announces at its own pace",)

InProcess = Callable[[SlideFile], None]


class NotScoredError(Exception):
    """A slide that was put was not scored in time."""


@dataclass(frozen=True, slots=True)
class TimedSlide:
    """When one slide was put, when its score was seen over REST, Unix seconds; and how long the same took here."""

    case_id: str
    put_at: float
    seen_at: float
    in_process_s: float
    in_process_cpu_s: float = 0.0
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    """CPU time of each service and part, from put to seen, beyond what it takes in as long a time idle."""


def overhead(system: System, size: Size, folder: Path) -> Section:
    """Slides of one tile, one after the other, here and through the services in turn; the first is not counted."""
    first, *slides = material.small_slides(folder, size.small_slides + 1)
    with _in_process(folder / "workspace") as score:
        _timed(system, score, first)
        before = _handled(system)
        timed = [_timed(system, score, path) for path in slides]
    handled = {name: sums - before.get(name, 0.0) for name, sums in _handled(system).items()}
    ways = _ways(system, timed)
    here = [1000 * passage.in_process_s for passage in timed]
    whole = [sum(way) for way in ways]
    announced = [sum(way[1:]) for way in ways]
    rows = [
        Row("S3 put to score over REST", "ms", whole, _HERE, here),
        Row("  of which until MinIO has announced the object", "ms", [way[0] for way in ways]),
        Row("  of which from then on", "ms", announced, _HERE, here),
        Row("overhead of our event path", "ms", [a - b for a, b in zip(announced, here, strict=True)]),
        *(
            row
            for hop, times in zip(HOPS, zip(*ways, strict=True), strict=True)
            for row in (Row(hop, "ms", list(times)), *_of_which(hop, handled))
        ),
    ]
    return Section("Four processes: one slide of one tile at a time", rows, _NOTES)


def large_slide(system: System, size: Size, folder: Path) -> Section:
    """Large slides of the same pixels, in this process and through the services in turn."""
    path = material.aperio(folder / "large.svs", size.pipeline_copies)
    with _in_process(folder / "large") as score:
        timed = [_timed_copy(system, score, path, number) for number in range(size.encoder_repeats)]
    tiles = int(system.case(timed[0].case_id)["score"]["slides"][0]["ledger"]["ok"])
    announced = _written_at(system, topics.S3_EVENTS)
    here = [tiles / slide.in_process_s for slide in timed]
    since_put = [tiles / (slide.seen_at - slide.put_at) for slide in timed]
    since_announced = [tiles / (slide.seen_at - announced[slide.case_id]) for slide in timed]
    rows = [
        Row("S3 put to score over REST", "tiles/s", since_put, _HERE, here),
        Row(THROUGH_SERVICES, "tiles/s", since_announced, _HERE, here),
        *_cpu_rows(timed, tiles),
    ]
    size_mb = path.stat().st_size / 1e6
    return Section(f"Four processes: one slide of {tiles} tiles, {size_mb:.0f} MB", rows, ["Triton on the CPU"])


def _timed_copy(system: System, score: InProcess, path: Path, number: int) -> TimedSlide:
    """A copy with bytes of its own, so that nothing done for another one serves it."""
    copy = path.with_name(f"large-{number}.svs")
    copy.write_bytes(path.read_bytes() + str(number).encode())
    return _timed(system, score, copy, _LOOK_RARELY_S)


def _cpu_rows(timed: Sequence[TimedSlide], tiles: int) -> Iterator[Row]:
    """Where the processors' time goes: of all programs beside all of the work in this process, then of each."""
    here = [1000 * slide.in_process_cpu_s / tiles for slide in timed]
    each = {name: [1000 * slide.cpu_s[name] / tiles for slide in timed] for name in timed[0].cpu_s}
    sums = [sum(spent) for spent in zip(*each.values(), strict=True)]
    yield Row("CPU time of all programs beyond idle", "ms a tile", sums, _HERE, here)
    yield from (Row(f"  of which {name}", "ms a tile", spent) for name, spent in each.items())


def _cpu_of_programs(system: System) -> dict[str, float]:
    return {program.name: cpu_time.of_trees({pid_of(program)}) for program in programs(system)}


@contextmanager
def _in_process(root: Path) -> Iterator[InProcess]:
    """Plan, embed and score as `medulla score` does, everything loaded before."""
    workspace = Workspace(root)
    promote(workspace.store, DEMO_BUNDLE)
    score_case = ScoreCase(workspace.store, Bundles(workspace.store), "bench")
    with open_pipeline(workspace, Options()) as pipeline:

        def score(slide: SlideFile) -> None:
            CaseIndex(workspace.store).put_slide(pipeline.embed(slide))
            score_case(CaseId(slide.case_id))

        yield score


def _timed(system: System, score: InProcess, path: Path, look_again_s: float = _LOOK_AGAIN_S) -> TimedSlide:
    case_id = f"BENCH-{path.stem}"
    idle, spent = _cpu_of_programs(system), _own_cpu(system)
    start = time.perf_counter()
    score(SlideFile(path, case_id, path.name))
    here = time.perf_counter() - start
    here_cpu, before = _own_cpu(system) - spent, _cpu_of_programs(system)
    put_at = _land(system, case_id, path)
    seen_at = _seen_at(system, case_id, look_again_s)
    as_long = (seen_at - put_at) / here
    busy = _cpu_of_programs(system)
    cpu = {name: busy[name] - before[name] - as_long * (before[name] - idle[name]) for name in busy}
    return TimedSlide(case_id, put_at, seen_at, here, here_cpu, cpu)


def _own_cpu(system: System) -> float:
    """CPU time of this process and its children, the parts and services aside."""
    return cpu_time.of_trees({os.getpid()}, without={pid_of(program) for program in programs(system)})


def _land(system: System, case_id: str, path: Path) -> float:
    """Put a slide; when the put began."""
    data = path.read_bytes()
    put_at = time.time()
    system.land_slide(case_id, data, path.name)
    return put_at


def _seen_at(system: System, case_id: str, look_again_s: float) -> float:
    """When the case's score can be seen over REST, which is asked once the database has it: it would take a core."""
    pause, end = Event(), time.time() + _PATIENCE_S
    with psycopg.connect(system.surroundings.database_url.replace("+psycopg", ""), autocommit=True) as database:
        while not database.execute(_SCORED, [case_id]).fetchall() and time.time() < end:
            pause.wait(look_again_s)
    if "score" not in (case := system.case(case_id)):
        raise NotScoredError(f"case {case_id} has no score; REST shows {case}")
    return time.time()


def _ways(system: System, timed: Sequence[TimedSlide]) -> list[list[float]]:
    """Milliseconds of each slide between the stations of its way: put, the topics, seen."""
    written = [_written_at(system, topic) for topic in _WAY]
    stations = [[passage.put_at, *(times[passage.case_id] for times in written), passage.seen_at] for passage in timed]
    return [[1000 * (b - a) for a, b in pairwise(times)] for times in stations]


def _written_at(system: System, topic: str) -> dict[str, float]:
    """When the first record of each case was written to the topic, Unix seconds."""
    times: dict[str, float] = {}
    for delivery in system.read(topic):
        case_id = _case_of(delivery.record.key)
        times[case_id] = min(delivery.written_at, times.get(case_id, delivery.written_at))
    return times


def _handled(system: System) -> dict[str, float]:
    """Sums and counts of the seconds that events waited and were worked on, by their series."""
    lines = [line for service in system.services.values() for line in service.metrics().splitlines()]
    series = (line.rpartition(" ") for line in lines if line.startswith("medulla_event_") and "_bucket" not in line)
    return {name: float(value) for name, _, value in series}


def _of_which(hop: str, handled: Mapping[str, float]) -> Iterator[Row]:
    """Means of a hop's events: the time they waited to be read, and the time of their handlers."""
    if hop in _HANDLERS:
        yield Row("  of which waiting to be read (mean)", "ms", [_mean_ms("age_seconds", hop, handled)])
        yield Row("  of which at work (mean)", "ms", [_mean_ms("seconds", hop, handled)])


def _mean_ms(metric: str, hop: str, handled: Mapping[str, float]) -> float:
    """Sum over a hop's handlers of the mean of each."""
    names = [f'{{service="{service}",topic="{topic}"}}' for service, topic in _HANDLERS[hop]]
    means = [
        (handled[f"medulla_event_{metric}_sum{name}"], handled[f"medulla_event_{metric}_count{name}"]) for name in names
    ]
    return 1000 * sum(seconds / count for seconds, count in means if count)


def _case_of(key: str) -> str:
    """Case of a record's key: the case itself, or an object's key `bucket/slides/{case}/{slide}`."""
    parts = key.split("/")
    return parts[2] if len(parts) > 2 else key
