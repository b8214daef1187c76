"""Poison beside good slides: no process stops, each poison ends once, and good slides are hardly slower."""

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tests.bench.processes import pid_of
from tests.bench.timing import p95
from tests.chaos.history import Landed, settle
from tests.chaos.landing import SLIDE_ONLY, land_slide_of, seconds_from_announcement
from tests.chaos.poisons import Poison, ended_once, one_of_each
from tests.chaos.replaced import HOSTILE_TILER, replaced
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.services import Service
from tests.support.polling import wait_for
from tests.support.system import System

_SLOWER = 1.10
_HANGS_S = 10
"""After so long a reader that hangs is ended, three times over."""
_PATIENCE_S = 600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """The 95th percentile of slides announced to score, with every kind of poison in between, and without."""
    limits = {"TILER_LIMITS__OVERVIEW_S": str(_HANGS_S)}
    with replaced(system, ["tiler"], limits, HOSTILE_TILER) as services:
        before = _processes(services)
        poisons, half = one_of_each(seed, "CHAOS-poison"), size.good_beside_poison // 2
        _timed(system, ["CHAOS-first"])
        alone = _timed(system, [f"CHAOS-before-{number}" for number in range(half)])
        beside = _timed(system, [f"CHAOS-beside-{number}" for number in range(2 * half)], poisons)
        wait_for(lambda: len(ended_once(system, poisons)) == len(poisons), _PATIENCE_S, pause_s=5)
        alone += _timed(system, [f"CHAOS-after-{number}" for number in range(half)])
        ended = ended_once(system, poisons)
        down = [name for name, pid in before.items() if _processes(services).get(name) != pid]
    return [
        Row("Poison stops no process", f"stopped: {', '.join(down) or 'none'}", not down, seed, size.name),
        _outcomes(poisons, ended, seed, size.name),
        _slowed(alone, beside, poisons, seed, size.name),
    ]


def _timed(system: System, cases: Sequence[str], poisons: Sequence[Poison] = ()) -> list[float]:
    """Seconds from a slide's announcement to its score over REST, one slide after the other, poison between them."""
    return seconds_from_announcement(system, dict(_landed(system, cases, poisons)))


def _landed(system: System, cases: Sequence[str], poisons: Sequence[Poison]) -> Iterator[tuple[str, float]]:
    """Each case, and when its score was seen, Unix seconds."""
    for number, case_id in enumerate(cases):
        for poison in _share(poisons, number, len(cases)):
            poison.put(system)
        land_slide_of(system, case_id)
        settle([Landed(case_id, SLIDE_ONLY)], system.case, _PATIENCE_S, pause_s=0.05)
        yield case_id, time.time()


def _share(poisons: Sequence[Poison], number: int, of: int) -> Iterable[Poison]:
    """What lands before slide `number` where all is spread evenly over `of` slides."""
    return poisons[number * len(poisons) // of : (number + 1) * len(poisons) // of]


def _processes(services: Mapping[str, Service]) -> dict[str, int]:
    """Process of each service that runs."""
    return {name: pid_of(service.program) for name, service in services.items() if service.program.alive}


def _outcomes(poisons: Sequence[Poison], ended: Sequence[Poison], seed: int, size: str) -> Row:
    others = ", ".join(sorted(poison.kind for poison in poisons if poison not in ended))
    promise = "Every poison ends in one dead letter of each service that reads it"
    return Row.of_counts(promise, len(ended), len(poisons), others and f"not: {others}", seed=seed, size=size)


def _slowed(alone: list[float], beside: list[float], poisons: Sequence[Poison], seed: int, size: str) -> Row:
    ratio, promise = p95(beside) / p95(alone), f"Beside poison the p95 of good slides is at most {_SLOWER:.2f} times"
    share = len(poisons) / (len(poisons) + len(beside))
    medians = f"medians {statistics.median(beside):.2f} against {statistics.median(alone):.2f} s"
    figure = f"{ratio:.2f} times ({p95(beside):.2f} against {p95(alone):.2f} s; {medians})"
    figure += f"; {len(poisons)} poisons, {share:.0%} of what landed"
    return Row(f"{promise} that without", figure, ratio <= _SLOWER, seed, size)
