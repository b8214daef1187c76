"""How long a slide takes on this cluster, idle and busy, and what memory that takes; written to out/cluster.md."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.cluster import latency, memory
from tests.support.cluster.observer import Observer
from tests.support.cluster.site import Site, say

_IDLE, _BUSY = 15, 50
_ROOM = 0.8
"""Share of its limit that no container may pass."""
_TABLE = CHECKOUT / "out" / "cluster.md"
_PAGE = """# Medulla on a cluster
{when:%Y-%m-%d}, Kubernetes {version}, {nodes} node(s), one replica of each service, Triton on a CPU. Slides of
17 tiles, SIMULATED. From the putting of a slide to its score being seen by REST; shares of the mean time, the wait
before a stage counted with it.

{header}
{idle}
{busy}

Most memory that a container took while {slides} slides were scored (working set) and its limit:

{memory_header}
{rows}
"""


@pytest.fixture(scope="module", autouse=True)
def _calm_site(site: Site) -> None:
    site.medulla.wait_ready()


def test_the_table_of_latency_and_memory(
    site: Site, observer: Observer, as_in_calm: Callable[[list[str]], None]
) -> None:
    with memory.watched(site.namespace) as most:
        idle = _one_by_one(observer)
        busy = _at_once(observer)
    assert all(way.seconds[stage] > -1 for way in (*idle, *busy) for stage in latency.STAGES), "clocks disagree"
    as_in_calm(observer.land("idle", range(_IDLE)))
    limits = memory.limits(site)
    assert {key: most[key] for key in limits if most[key] > _ROOM * limits[key]} == {}
    _write(site, latency.row("one at a time", idle), latency.row(f"{_BUSY} at once", busy), _rows(most, limits))


def _one_by_one(observer: Observer) -> list[latency.Way]:
    seen_at: dict[str, float] = {}
    for number in range(_IDLE):
        seen_at |= observer.wait_scored(observer.land("idle", [number]))
    return latency.ways(observer, seen_at)


def _at_once(observer: Observer) -> list[latency.Way]:
    return latency.ways(observer, observer.wait_scored(observer.land("busy", range(_BUSY)), 600))


def _rows(most: dict[memory.Key, int], limits: dict[memory.Key, int]) -> str:
    lines = []
    for key in sorted(limits):
        taken, limit = most[key] / 2**20, limits[key] / 2**20
        lines.append(f"| {key[0]} | {key[1]} | {taken:.0f} | {limit:.0f} | {taken / limit:.0%} |")
    return "\n".join(lines)


def _write(site: Site, idle: str, busy: str, rows: str) -> None:
    nodes = site.namespace.objects("nodes")
    page = _PAGE.format(
        when=datetime.now(UTC),
        version=nodes[0]["status"]["nodeInfo"]["kubeletVersion"],
        nodes=len(nodes),
        header=latency.HEADER,
        idle=idle,
        busy=busy,
        slides=_IDLE + _BUSY,
        memory_header=memory.HEADER,
        rows=rows,
    )
    _TABLE.parent.mkdir(exist_ok=True)
    _TABLE.write_text(page)
    say(f"{_TABLE.relative_to(CHECKOUT)}\n{page}")
