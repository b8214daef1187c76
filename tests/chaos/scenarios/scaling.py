"""More embedders and fewer again while slides wait: hardly a tile is embedded twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

from services.embedder.events import SERVICE
from shared.bus import topics
from shared.bus.kafka_topics import TopicSpec, adjust_topics
from tests.chaos.encoded import Repeats
from tests.chaos.history import Landed, settle, still_open
from tests.chaos.landing import NO_MODEL, land_larger
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.process import free_ports
from tests.stack.services import Service
from tests.support.polling import wait_for
from tests.support.system import System

_REPEATED = 0.02
_SESSION_MS = "10000"
"""A member that has left for good is noticed by then, so that its partitions do not wait for long."""
_TRITON_S = "600"
"""A busy machine makes Triton slow; a batch that is given up and sent again would count as repeated."""
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Scale up and down, each time once some of the slides are done; count tiles."""
    adjust_topics(system.kafka, {topics.SLIDES_TILED: TopicSpec(partitions=size.replicas)})
    embedder = _restarted(system.services[SERVICE])
    repeats = Repeats.since_now(system)
    landed = [Landed(f"CHAOS-scale-{number:03d}", NO_MODEL) for number in range(size.slides_scaled_over)]
    land_larger(system, landed, size.copies_scaled_over)
    names = count(1)
    for cycle in range(size.scalings):
        more = list(_replicas(embedder, size.replicas - 1, names))
        with ThreadPoolExecutor(len(more)) as pool:
            list(pool.map(Service.start, more))
            _await_done(system, landed, (cycle + 1) * len(landed) // (size.scalings + 1))
            list(pool.map(Service.stop, more))
    left = settle(landed, system.case, _PATIENCE_S)
    embedder.stop()
    starts = size.scalings * (size.replicas - 1)
    repeated, needed = repeats.count([item for item in landed if item not in left], starts)
    promise = f"Scaling embedders 1-{size.replicas}-1 {size.scalings} times repeats at most {_REPEATED:.0%} of tiles"
    share = f"{repeated / max(1, needed):.1%}: {repeated} of {needed} tiles"
    figure = f"{share}; {len(landed) - len(left)} of {len(landed)} slides scored"
    return [Row(promise, figure, not left and repeated <= _REPEATED * needed, seed, size.name)]


def _restarted(service: Service) -> Service:
    """The service, as a member that leaves soon."""
    service.stop()
    settings = {"MEDULLA_KAFKA__SESSION_TIMEOUT_MS": _SESSION_MS, "EMBEDDER_TRITON_TIMEOUT_S": _TRITON_S}
    again = replace(service, environment={**service.environment, **settings})
    again.start()
    return again


def _replicas(service: Service, number: int, names: Iterator[int]) -> Iterator[Service]:
    """Further processes, each a new member of the group, as new pods are."""
    for port in free_ports(number):
        yield replace(service, health_port=port, replica=next(names))


def _await_done(system: System, landed: list[Landed], wanted: int) -> None:
    wait_for(lambda: len(landed) - len(still_open(landed, system.case)) >= wanted, _PATIENCE_S, pause_s=5)
