"""Repeats that take turns, so that whatever else the machine does meets every alternative alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.table import Row, ratios

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Run:
    """How long one repeat took by the clock, and on the CPU in all threads of this process."""

    seconds: float
    cpu_seconds: float


def measured(work: Work) -> Run:
    """Do the work once."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return Run(time.perf_counter() - clock, time.process_time() - cpu)


def interleaved(repeats: int, works: Mapping[str, Work]) -> dict[str, list[Run]]:
    """Do all works in turn, `repeats` times over: A B A B …"""
    runs: dict[str, list[Run]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            runs[name].append(measured(work))
    return runs


def p95(times: Sequence[float]) -> float:
    """The 95th percentile by nearest rank, in the unit of `times`; NaN of none."""
    return sorted(times)[max(0, round(0.95 * len(times)) - 1)] if times else float("nan")


def rates(runs: Sequence[Run], count: int) -> list[float]:
    """How many of `count` things were done a second, in each repeat."""
    return [count / run.seconds for run in runs]


def cpu_rates(runs: Sequence[Run], count: int) -> list[float]:
    """How many of `count` things were done in each second of CPU time."""
    return [count / run.cpu_seconds for run in runs]


def tile_row(what: str, count: int, ours: Sequence[Run], against: str, other: Sequence[Run]) -> Row:
    """Tiles a second of two alternatives that this process did, each `count` tiles a repeat."""
    cpu = ratios(cpu_rates(ours, count), cpu_rates(other, count))
    return Row(what, "tiles/s", rates(ours, count), against, rates(other, count), cpu)
