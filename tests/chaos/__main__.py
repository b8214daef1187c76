"""Runs scenarios on the real parts: `python -m tests.chaos [--seed N] [--size laptop] [--only NAME] [--publish]`."""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
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
from tests.stack.runs import run_folder
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
_SWEEP = str(no_loss.SWEEP_S)
_SETTINGS = {
    "tiler": {"TILER_SWEEP_EVERY_S": _SWEEP},
    "fusion_scorer": {"SCORER_SWEEP_EVERY_S": _SWEEP},
}


@contextmanager
def _system() -> Iterator[System]:
    with run_folder() as folder:
        parts = Parts(folder)
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


def _run(name: str, seed: int, size: Size) -> list[Row]:
    """A scenario on a system of its own; what it raises is a row that does not hold."""
    sys.stderr.write(f"chaos: {name} …\n")
    try:
        with _system() as system:
            rows = SCENARIOS[name](system, seed, size)
    except Exception as error:  # noqa: BLE001 - a scenario that breaks is a promise that was not shown
        traceback.print_exc()
        rows = [Row(f"The scenario {name} runs to its end", f"{type(error).__name__}: {error}", False, seed, size.name)]
    for row in rows:
        sys.stdout.write(report.printed(row) + "\n")
        sys.stdout.flush()
    return rows


def _publish(name: str, rows: list[Row], seconds: float) -> None:
    measured = f"{datetime.now(UTC):%Y-%m-%d}, {machine.hardware()}, load {os.getloadavg()[2]:.0f}"
    report.publish(Path(__file__).parent, name, rows, seconds / 60, measured)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and of what lands [1]")
    parser.add_argument("--size", choices=SIZES, default=LAPTOP.name, help="counts of each scenario [laptop]")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="this scenario; may be given more than once")
    parser.add_argument("--publish", action="store_true", help="write the rows into tests/chaos/REPORT.md")
    return parser.parse_args()


def main() -> int:
    """Run the chosen scenarios; returns 1 where a promise did not hold."""
    chosen, held = _arguments(), True
    for name in chosen.only or SCENARIOS:
        start = time.monotonic()
        rows = _run(name, chosen.seed, SIZES[chosen.size])
        held = held and all(row.held for row in rows)
        if chosen.publish:
            _publish(name, rows, time.monotonic() - start)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
