"""Plain HPAs scale the release on CPU where KEDA is none, with slides in flight: each is scored once, as in calm."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.cluster.load import load
from tests.support.cluster.observer import Observer
from tests.support.cluster.scaling import METRICS_SERVER, Replicas
from tests.support.cluster.site import Site, say

_ONE = {"autoscaling": {"min": 1, "max": 1}}
_SCALED = {
    "autoscaling": {"kind": "hpa", "scaleDownSeconds": 10},
    "tiler": {"autoscaling": {"min": 1, "max": 2}},
    "embedder": _ONE,
    "fusionScorer": _ONE,
    "results": _ONE,
}


@pytest.fixture(scope="module", autouse=True)
def _hpa(site: Site) -> Iterator[None]:
    with METRICS_SERVER.running():
        site.medulla.install(_SCALED)
        yield
        site.medulla.install()


def test_a_busy_tiler_gets_a_second_one_that_goes_when_it_is_idle(
    site: Site, observer: Observer, as_in_calm: Callable[[list[str]], None]
) -> None:
    tilers = Replicas(site, "tiler")
    tilers.wait_for(1)
    with load(observer, "busy", every_s=0.5) as coming:
        tilers.wait_for(2)
        site.medulla.wait_ready("tiler")
    observer.wait_scored(coming.cases, 600)
    tilers.wait_for(1)
    say(f"tilers: {tilers}; {len(coming.cases)} slides scored")
    assert tilers.turned_once, f"it wavers: {tilers}"
    as_in_calm(coming.cases)
