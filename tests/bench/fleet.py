"""Simulates days of slides that pass through planning, embedding and scoring: waits, load, and what breaks first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace

import numpy as np

from shared.arrays import Floats

DAY_S = 86_400
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 12, 10, 12, 13, 12, 9, 6, 4, 3, 2, 2, 1, 1)
"""Weights of the hours of a day: scanners run while the laboratory works."""


@dataclass(frozen=True)
class Arrivals:
    """Slides as a laboratory sends them; sizes are log-normal."""

    slides_per_day: int = 10_000
    median_mb: float = 760.0
    """Of the slides in CCDI's manifest."""
    spread: float = 0.9
    """Standard deviation of the logarithm: one slide in a hundred is larger than eight medians."""
    days: int = 3
    seed: int = 1

    def draw(self) -> tuple[Floats, Floats]:
        """Times in seconds, in order, and sizes in MB: float64 [slides] each."""
        rng, slides = np.random.default_rng(self.seed), self.slides_per_day * self.days
        hours = rng.choice(24, slides, p=np.array(_HOURS) / sum(_HOURS))
        days = rng.integers(self.days, size=slides)
        times = days * DAY_S + (hours + rng.random(slides)) * 3600
        return np.sort(times), self.median_mb * np.exp(self.spread * rng.normal(size=slides))


@dataclass(frozen=True)
class Rates:
    """What a slide costs; each with where it comes from."""

    tiles_per_mb: float = 19.5
    """2,943 tiles of 151 MB (`make bench`, bucket)."""
    decode_s: float = 0.00136
    """CPU seconds a tile, read by ranges, decoded and sent: 4.0 s of 2,943 tiles (`make bench`, bucket)."""
    read_mb_s: float = 100.0
    """One reader's link to the bucket, of the same table."""
    plan_s: float = 10.0
    """CPU seconds a slide, for its overview: an assumption."""
    encode_tiles_s: float = 600.0
    """Tiles a second of one GPU with a large encoder: an assumption; measure yours with `make bench`, triton."""
    score_s: float = 0.095
    """Core seconds a score, with what results, Kafka, the bucket and the database take for it: 21.1 cases a second on
    two cores, from 1,000 cases (`make bench`, rescore)."""
    embedding_kb: float = 2.0
    """A tile's features: 1,024 of 2 bytes."""


@dataclass(frozen=True)
class Fleet:
    """How many of each there are."""

    planners: int = 1
    """Slides planned at once, a core each."""
    gpus: int = 1
    """Embedders, each with its GPU and the tiler's cores that decode for it."""
    scorers: int = 1
    """Cores that score."""


@dataclass(frozen=True)
class Simulated:
    """What came of the slides of all days, in seconds from put to score: float64 [slides]."""

    total_s: Floats
    waits_s: Mapping[str, Floats] = field(default_factory=dict)
    """Time in the queue of each station."""
    load: Mapping[str, float] = field(default_factory=dict)
    """Share of each station's capacity that the busiest hour asks for; above 1 its queue grows."""

    def quantiles(self) -> Sequence[float]:
        """p50, p95 and p99 of the time from put to score, in minutes."""
        return [float(value) / 60 for value in np.quantile(self.total_s, (0.5, 0.95, 0.99))]

    @property
    def slowest(self) -> str:
        """The station in which slides wait longest, by the 95th percentile; of equal ones that with the most load."""
        return max(self.waits_s, key=lambda name: (float(np.quantile(self.waits_s[name], 0.95)), self.load[name]))


def service_times(sizes_mb: Floats, rates: Rates) -> Mapping[str, Floats]:
    """Seconds of each slide at each station, by field of `Fleet`: float64 [slides] each."""
    tiles = sizes_mb * rates.tiles_per_mb
    return {
        "planners": rates.plan_s + sizes_mb / rates.read_mb_s,
        "gpus": tiles / rates.encode_tiles_s,
        "scorers": np.full(len(sizes_mb), rates.score_s),
    }


def simulate(arrivals: Arrivals, rates: Rates, fleet: Fleet) -> Simulated:
    """Send the slides through the stations, each first come, first served."""
    landed, sizes = arrivals.draw()
    ready, waits, load = landed, dict[str, Floats](), dict[str, float]()
    for name, times in service_times(sizes, rates).items():
        servers = getattr(fleet, name)
        waits[name] = queue(ready, times, servers)
        load[name] = float(times.mean()) * arrivals.slides_per_day * max(_HOURS) / sum(_HOURS) / 3600 / servers
        ready = ready + waits[name] + times
    return Simulated(ready - landed, waits, load)


def queue(ready: Floats, times: Floats, servers: int) -> Floats:
    """Wait of each job, in seconds, before the first of some equal servers is free; in the order in which they come."""
    free, waits = [0.0] * servers, np.zeros(len(ready))
    heapify(free)
    for job in np.argsort(ready, kind="stable"):
        start = max(float(ready[job]), free[0])
        heapreplace(free, start + float(times[job]))
        waits[job] = start - ready[job]
    return waits
