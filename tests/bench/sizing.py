"""The chart's table of sizes, from simulated days: `python -m tests.bench.sizing` writes it into the chart's README."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import yaml

from tests.bench.fleet import DAY_S, Arrivals, Fleet, Rates, Simulated, simulate
from tests.support.chart.paths import CHART

LOADS = (100, 1_000, 10_000)
_WITHIN_MIN = 30.0
"""What 95 of 100 slides take at most, from put to score."""
_START, _END = "<!-- sizes: python -m tests.bench.sizing -->\n", "<!-- end of sizes -->\n"
_READS = 2
"""A slide is read by its plan and by its stream."""
_STATIONS = {"planners": "planning", "gpus": "the GPUs", "scorers": "scoring"}


@dataclass(frozen=True)
class Prices:
    """Prices in dollars, to be replaced by your own."""

    core_hour: float = 0.04
    gpu_hour: float = 2.5
    gb_month: float = 0.023


def smallest(arrivals: Arrivals, rates: Rates, within_min: float = _WITHIN_MIN) -> tuple[Fleet, Simulated]:
    """The fleet that grows by one at the station with the longest wait until slides are scored in time."""
    fleet = Fleet()
    while (simulated := simulate(arrivals, rates, fleet)).quantiles()[1] > within_min:
        grown = getattr(fleet, simulated.slowest)
        fleet = replace(fleet, **{simulated.slowest: grown + max(1, grown // 8)})
    return fleet, simulated


def breaking_point(arrivals: Arrivals, rates: Rates, fleet: Fleet, within_min: float = _WITHIN_MIN) -> tuple[int, str]:
    """Slides a day, each try a tenth more, at which they are late for the first time, and the station of the queue."""
    while (simulated := simulate(arrivals, rates, fleet)).quantiles()[1] <= within_min:
        arrivals = replace(arrivals, slides_per_day=math.ceil(arrivals.slides_per_day * 1.1))
    return arrivals.slides_per_day, simulated.slowest


def row(slides_per_day: int, rates: Rates, prices: Prices) -> Sequence[str]:
    """One row of the table."""
    arrivals = Arrivals(slides_per_day)
    fleet, simulated = smallest(arrivals, rates)
    _, sizes = arrivals.draw()
    tiles_a_day = float(sizes.mean()) * rates.tiles_per_mb * slides_per_day
    decoding = math.ceil(fleet.gpus * rates.encode_tiles_s * rates.decode_s)
    cores = fleet.planners + decoding + fleet.gpus + fleet.scorers
    stored_gb = float(sizes.mean()) / 1000 + tiles_a_day / slides_per_day * rates.embedding_kb / 1e6
    cost = (cores * prices.core_hour + fleet.gpus * prices.gpu_hour) * 24 / slides_per_day + stored_gb * prices.gb_month
    late, station = breaking_point(arrivals, rates, fleet)
    network = _READS * float(sizes.mean()) * slides_per_day * 8 / 1000 / DAY_S * peak(arrivals)
    p50, p95, p99 = simulated.quantiles()
    return (
        f"{slides_per_day:,}",
        f"{fleet.planners} + {decoding}",
        f"{fleet.gpus}",
        f"{fleet.scorers}",
        pods(fleet, decoding),
        f"{network:.2g}",
        f"{stored_gb * slides_per_day * 365 / 1000:,.0f}",
        f"{cost:.2f}",
        f"{p50:.0f}, {p95:.0f}, {p99:.0f}",
        f"{_STATIONS[station]}, at {late:,}",
    )


def pods(fleet: Fleet, decoding: int) -> str:
    """Pods of each service, by the chart's requests of cores; results has as many as the chart runs at least."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    tilers = math.ceil((fleet.planners + decoding) / _cores(values["tiler"]["resources"]["requests"]["cpu"]))
    scorers = math.ceil(fleet.scorers / _cores(values["fusionScorer"]["resources"]["requests"]["cpu"]))
    return f"{tilers}, {fleet.gpus}, {scorers}, {values['results']['autoscaling']['min']}"


def _cores(quantity: str) -> float:
    """Cores, which Kubernetes may write in thousandths."""
    return float(quantity.removesuffix("m")) / (1000 if quantity.endswith("m") else 1)


def peak(arrivals: Arrivals) -> float:
    """How many times as many slides the busiest hour has as the average one."""
    times, _ = arrivals.draw()
    hours = np.bincount((times % DAY_S // 3600).astype(np.int64), minlength=24)
    return float(hours.max() / hours.mean())


def table(rates: Rates | None = None, prices: Prices | None = None, loads: Sequence[int] = LOADS) -> str:
    """The table as Markdown."""
    head = (
        "slides a day",
        "tiler cores: planning (assumed, 10 s a plan) + decoding",
        "GPUs, an embedder each (assumed, 600 tiles/s)",
        "scorer cores",
        "pods: tiler, embedder, scorer, results",
        "network at the peak, Gbit/s",
        "stored in a year, TB",
        "dollars a slide",
        "minutes from put to score: p50, p95, p99",
        "what breaks first",
    )
    rows = [head, ["---"] * len(head), *(row(load, rates or Rates(), prices or Prices()) for load in loads)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def written(text: str) -> str:
    """The text of a README with the table between its marks."""
    before, _, rest = text.partition(_START)
    _, _, after = rest.partition(_END)
    return f"{before}{_START}{table()}{_END}{after}"


def main() -> int:
    """Write the table; returns 0."""
    for name in ("README.md.gotmpl", "README.md"):
        path = CHART / name
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
