"""Memory of the services while something passes, beside the limits that the chart states for them."""

import statistics
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import yaml

from services.tiler.isolated_reader import ReaderLimits
from tests.bench.memory import of_process, of_tree
from tests.bench.processes import pid_of, trees
from tests.stack.services import Service
from tests.support.checkout import CHECKOUT
from tests.support.cluster.memory import bytes_of

GROWTH_MB = 60.0
"""The most that the embedder may grow while its encoder's server is away."""
READER = "the tiler's largest reader"
_EVERY_S = 0.5
_VALUES = CHECKOUT / "charts/medulla/values.yaml"
_COMPONENTS = {"fusion_scorer": "fusionScorer"}
"""As the chart calls those services that have another name there."""


@dataclass
class Peaks:
    """The most megabytes of each service with its processes, and of a process that reads a slide."""

    megabytes: dict[str, float] = field(default_factory=dict)

    def look(self, services: Mapping[str, Service]) -> None:
        """Look once."""
        for name, service in services.items():
            self._raise(name, of_tree(pid_of(service.program)).now)
        tiler = pid_of(services["tiler"].program)
        for pid in trees({tiler}) - {tiler}:
            self._raise(READER, of_process(pid).peak)

    def _raise(self, name: str, megabytes: float) -> None:
        self.megabytes[name] = max(megabytes, self.megabytes.get(name, 0.0))


@contextmanager
def watched(services: Mapping[str, Service]) -> Iterator[Peaks]:
    """Look at the services' memory again and again while the block runs."""
    peaks, over = Peaks(), threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY_S):
            peaks.look(services)

    thread = threading.Thread(target=watch, name="memory")
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()
        peaks.look(services)


def growth(held: Sequence[float]) -> float:
    """From the second fifth of the time to the last, by their medians."""
    fifth = max(1, len(held) // 5)
    return statistics.median(held[-fifth:]) - statistics.median(held[fifth : 2 * fifth])


def limits() -> Mapping[str, float]:
    """Megabytes that each service may take by the chart's values, and a reader by the tiler's settings."""
    values = yaml.safe_load(_VALUES.read_text())
    names = ("tiler", "embedder", "fusion_scorer", "results")
    stated = {name: values[_COMPONENTS.get(name, name)]["resources"]["limits"]["memory"] for name in names}
    return {name: bytes_of(text) / 2**20 for name, text in stated.items()} | {READER: ReaderLimits().memory_mb}
