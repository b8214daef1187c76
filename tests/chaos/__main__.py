"""Runs scenarios on the real parts: `python -m tests.chaos [--seed N] [--size laptop] [--only NAME] [--publish]`."""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import cast

from shared.bus import topics
from tests.bench import machine
from tests.chaos import report
from tests.chaos.row import Row
from tests.chaos.scenarios import (
    canary,
    kills,
    last_version,
    long_job,
    memory,
    no_loss,
    poison,
    promotion,
    replay,
    scaling,
    sigterm,
    throughput,
    upgrade,
)
from tests.chaos.size import LAPTOP, SIZES, Size
from tests.stack.runs import ended_in_order, run_folder
from tests.stack.triton import Triton
from tests.support.parts import KafkaPart, MinioPart, Parts, PostgresPart
from tests.support.system import RealParts, System, running

SCENARIOS: dict[str, Callable[[System, int, Size], list[Row]]] = {
    "no-loss": no_loss.run,
    "replay": replay.run,
    "last-version": last_version.run,
    "poison": poison.run,
    "promotion": promotion.run,
    "memory": memory.run,
    "canary": canary.run,
    "sigterm": sigterm.run,
    "long-job": long_job.run,
    "scaling": scaling.run,
    "kills": kills.run,
    "throughput": throughput.run,
    "upgrade": upgrade.run,
}
_WAITING = ("memory", "long-job")
"""Scenarios that wait for most of their time: they run beside the others, on parts and services of their own."""
_TIMED = ("poison", "promotion", "throughput")
"""Scenarios whose figures are times: they run last, beside nothing."""
_LONGEST_MIN = 60
_WHOLE = "whole run"
_SWEEP = str(no_loss.SWEEP_S)
_SETTINGS = {
    "tiler": {"TILER_SWEEP_EVERY_S": _SWEEP},
    "fusion_scorer": {"SCORER_SWEEP_EVERY_S": _SWEEP},
}


@contextmanager
def _system() -> Iterator[System]:
    with run_folder() as folder:
        parts = Parts(folder)
        parts.begin(("kafka", "minio", "postgres", "triton"))
        try:
            real = RealParts(
                cast("KafkaPart", parts.get("kafka")),
                cast("MinioPart", parts.get("minio")),
                cast("PostgresPart", parts.get("postgres")),
                cast("Triton", parts.get("triton")),
            )
            with running(real, folder / "services", topics.S3_EVENTS, settings=_SETTINGS) as system:
                yield system
        finally:
            parts.close()


@dataclass
class _Report:
    """Rows as they come, from two threads."""

    seed: int
    size: Size
    publishes: bool
    load_before: float = field(default_factory=lambda: os.getloadavg()[1])
    """Of the five minutes before the run: other work."""
    minutes: dict[str, float] = field(default_factory=dict)
    held: bool = True
    _lock: Lock = field(default_factory=Lock)

    def run(self, names: Collection[str]) -> None:
        """Scenarios one after the other."""
        for name in names:
            sys.stderr.write(f"chaos: {name} …\n")
            start = time.monotonic()
            rows = _run(name, self.seed, self.size)
            self.add(name, rows, (time.monotonic() - start) / 60)

    def add(self, name: str, rows: list[Row], minutes: float) -> None:
        """Print rows, and publish them where that is wanted."""
        measured = f"{datetime.now(UTC):%Y-%m-%d}, {machine.hardware()}, load {os.getloadavg()[2]:.0f}"
        with self._lock:
            self.minutes[name] = minutes
            self.held = self.held and all(row.held for row in rows)
            sys.stdout.write("".join(f"{report.printed(row)}\n" for row in rows))
            sys.stdout.flush()
            if self.publishes:
                report.publish(Path(__file__).parent, name, rows, minutes, measured, [*SCENARIOS, _WHOLE])


def _run(name: str, seed: int, size: Size) -> list[Row]:
    """A scenario on a system of its own; what it raises is a row that does not hold."""
    try:
        with _system() as system:
            return SCENARIOS[name](system, seed, size)
    except Exception as error:  # noqa: BLE001 - a scenario that breaks is a promise that was not shown
        traceback.print_exc()
        return [Row(f"The scenario {name} runs to its end", f"{type(error).__name__}: {error}", False, seed, size.name)]


def _run_all(chosen: Collection[str], out: _Report) -> None:
    """Those that wait beside the others, then those that are timed."""
    waiting, timed = ([name for name in group if name in chosen] for group in (_WAITING, _TIMED))
    beside = ThreadPoolExecutor(1).submit(out.run, waiting)  # not waited for where the run is interrupted
    out.run([name for name in chosen if name not in _WAITING + _TIMED])
    beside.result()
    out.run(timed)


def _whole(minutes: Mapping[str, float], whole: float, load_before: float, seed: int) -> Row:
    """The row of a run of every scenario."""
    each = ", ".join(f"{name} {each:.1f}" for name, each in minutes.items())
    over = "" if whole <= _LONGEST_MIN else f", {whole - _LONGEST_MIN:.1f} more than an hour"
    figure = f"{whole:.1f} minutes{over}, beside other work of load {load_before:.1f}: {each}"
    promise = "Every scenario in one run takes under an hour on a laptop"
    return Row(promise, figure, whole <= _LONGEST_MIN, seed, LAPTOP.name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and of what lands [1]")
    parser.add_argument("--size", choices=SIZES, default=LAPTOP.name, help="counts of each scenario [laptop]")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="this scenario; may be given more than once")
    parser.add_argument("--publish", action="store_true", help="write the rows into tests/chaos/REPORT.md")
    return parser.parse_args()


def main() -> int:
    """Run the chosen scenarios; returns 1 where a promise did not hold."""
    chosen, start = _arguments(), time.monotonic()
    out = _Report(chosen.seed, SIZES[chosen.size], chosen.publish)
    _run_all(chosen.only or tuple(SCENARIOS), out)
    if chosen.only is None and out.size is LAPTOP:
        whole = (time.monotonic() - start) / 60
        out.add(_WHOLE, [_whole(out.minutes, whole, out.load_before, out.seed)], whole)
    return 0 if out.held else 1


if __name__ == "__main__":
    sys.exit(ended_in_order(main))
