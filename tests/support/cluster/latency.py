"""How long slides take from bucket to page, stage by stage, out of the times at which their events were written."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.cluster.observer import Observer

STAGES = ("announce", "tile", "embed", "score", "show")
"""Bucket to Kafka; planned; embedded; scored; shown by REST. Waiting in the queue before a stage counts for it."""
_TOPICS = ("s3.events", "slides.tiled", "slides.embedded", "cases.scored")


@dataclass(frozen=True)
class Way:
    """Seconds of one slide, by stage."""

    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        """From put to seen."""
        return sum(self.seconds.values())


def ways(observer: Observer, seen_at: Mapping[str, float]) -> list[Way]:
    """The way of each case in `seen` (seconds from put to seen), read from the topics."""
    first = [_first_written(observer, topic) for topic in _TOPICS]
    out = []
    for case, seconds in seen_at.items():
        put = observer.put_at[case]
        times = [put, *(written[case] for written in first), put + seconds]
        out.append(Way({stage: times[i + 1] - times[i] for i, stage in enumerate(STAGES)}))
    return out


def _first_written(observer: Observer, topic: str) -> dict[str, float]:
    """When the first record of each case was written; the bucket's records are keyed by bucket/slides/case/slide."""
    measured: dict[str, float] = {}
    for key, at, _ in observer.topic(topic):
        parts = key.split("/")
        case = parts[2] if len(parts) > 3 and parts[1] == "slides" else key
        measured[case] = min(at, measured.get(case, at))
    return measured


def quantile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least this share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def row(name: str, measured: Sequence[Way]) -> str:
    """A line of the table: slides, median, 99th percentile, extremes, and the mean share of each stage."""
    totals = [way.total for way in measured]
    shares = [sum(way.seconds[stage] for way in measured) / sum(totals) for stage in STAGES]
    numbers = (quantile(totals, 0.5), quantile(totals, 0.99), min(totals), max(totals))
    cells = [name, str(len(measured)), *(f"{each:.1f}" for each in numbers), *(f"{each:.0%}" for each in shares)]
    return f"| {' | '.join(cells)} |"


HEADER = "\n".join(
    (
        f"| slides | n | p50 s | p99 s | min s | max s | {' | '.join(STAGES)} |",
        f"|{'---|' * (6 + len(STAGES))}",
    )
)
