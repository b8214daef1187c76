"""KEDA's own operator scales the release on real lag, with slides in flight: each is scored once, as in calm."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.support.cluster.kubernetes import Object, until
from tests.support.cluster.load import load
from tests.support.cluster.observer import Observer
from tests.support.cluster.prometheus import watching
from tests.support.cluster.scaling import KEDA, Replicas
from tests.support.cluster.site import Site, say

_FROM_ZERO = {"autoscaling": {"min": 0, "max": 1}}
_SCALED: dict[str, Any] = {
    "autoscaling": {"kind": "auto", "pollSeconds": 2, "cooldownSeconds": 40, "scaleDownSeconds": 20},
    "tiler": _FROM_ZERO,
    "embedder": {"autoscaling": {"min": 0, "max": 3, "lag": 2}},
    "fusionScorer": _FROM_ZERO,
    "results": {"autoscaling": {"min": 1, "max": 1}},
}
_SLEEPERS = ("tiler", "embedder", "fusion-scorer")
_FORGET = """
import sys
from kafka.admin import KafkaAdminClient
from shared.bus.kafka_client import connection
from shared.settings import PlatformSettings, load
admin = KafkaAdminClient(**connection(load(PlatformSettings).kafka))
print(admin.delete_groups([sys.argv[1]])[sys.argv[1]])
"""
Check = Callable[[list[str]], None]


@pytest.fixture(scope="module", autouse=True)
def _keda(site: Site) -> Iterator[None]:
    """The release finds KEDA on the cluster, and gives its objects back before KEDA goes."""
    with KEDA.running():
        site.medulla.install(_SCALED)
        yield
        site.medulla.install()


def _awake(site: Site) -> str:
    """Names of pods of what should be at rest."""
    pods = [pod for component in _SLEEPERS for pod in site.medulla.pods(component)]
    return " ".join(pod["metadata"]["name"] for pod in pods)


def _scored(observer: Observer, cases: Sequence[str]) -> None:
    waited = observer.wait_scored(cases, 600)
    say(f"{len(cases)} of {len(cases)} scored, the slowest after {max(waited.values()):.0f} s")


def test_a_slide_wakes_a_site_of_which_nothing_runs_and_whose_group_has_committed_nothing(
    site: Site, observer: Observer, as_in_calm: Check
) -> None:
    until("everything to rest", lambda: _awake(site), 300)
    pod = site.medulla.pod("results")
    assert site.namespace.exec(pod, "python", "-c", _FORGET, "embedder").strip() == "OK"
    cases = observer.land("wake", range(2))
    _scored(observer, cases)
    as_in_calm(cases)


def test_lag_takes_the_embedder_from_none_to_three_and_back_with_slides_in_flight(
    site: Site, observer: Observer, as_in_calm: Check
) -> None:
    until("everything to rest", lambda: _awake(site), 300)
    embedders, busy = Replicas(site, "embedder"), set[str]()
    embedders.wait_for(0)
    cases = [case for run in range(3) for case in observer.land(f"at-once-{run}", range(20))]
    with load(observer, "few", every_s=6) as few:
        embedders.wait_for(3)
        until("all three to take part", lambda: _fewer_than_three(site, busy), 300)
        embedders.wait_for(1)
    cases += few.cases
    _scored(observer, cases)
    embedders.wait_for(0)
    say(f"embedders: {embedders}")
    assert embedders.turned_once, f"it wavers: {embedders}"
    as_in_calm(cases)


def _fewer_than_three(site: Site, busy: set[str]) -> str:
    """Adds the embedders that have embedded something; names them until they are three."""
    names = [pod["metadata"]["name"] for pod in site.medulla.pods("embedder")]
    logs = {name: site.namespace.attempt("logs", name, "--container", "embedder").stdout for name in names}
    busy |= {name for name, log in logs.items() if '"event": "done"' in log}
    return "" if len(busy) >= 3 else f"busy: {busy}"


@pytest.fixture
def queue_watched(site: Site) -> Iterator[Callable[[str], object]]:
    """Has KEDA ask a Prometheus at a URL for Triton's queue, and none any more in the end."""
    yield lambda url: site.medulla.install({**_SCALED, "autoscaling": {**_SCALED["autoscaling"], "prometheusUrl": url}})
    site.medulla.install(_SCALED)


def test_tritons_queue_counts_while_prometheus_is_there_and_one_embedder_stays_when_it_is_not(
    site: Site, observer: Observer, as_in_calm: Check, queue_watched: Callable[[str], object]
) -> None:
    with watching(site) as prometheus:
        queue_watched(prometheus.url)
        with load(observer, "queue") as coming:
            until("KEDA to know the queue", lambda: _queue_unknown(site), 300)
        _scored(observer, coming.cases)
    until("KEDA to do without Prometheus", lambda: _condition(site, "Fallback"), 300)
    cases = observer.land("no-queue", range(5))
    _scored(observer, cases)
    embedders = Replicas(site, "embedder")
    embedders.wait_for(1)
    embedders.stay_at(1, _SCALED["autoscaling"]["cooldownSeconds"] + 20)
    assert _condition(site, "Fallback") == "", "Prometheus is still away"
    as_in_calm([*coming.cases, *cases])


def _scaled_object(site: Site) -> Object:
    return site.namespace.object("scaledobject", site.medulla.object_name("embedder"))


def _condition(site: Site, kind: str) -> str:
    """Why a condition of the embedder's scaling is not true; nothing where it is."""
    conditions = _scaled_object(site).get("status", {}).get("conditions", [])
    condition: Object = next((each for each in conditions if each["type"] == kind), {})
    return "" if condition.get("status") == "True" else f"{kind}: {condition}"


def _queue_unknown(site: Site) -> str:
    """Why KEDA tells the HPA of no milliseconds that requests wait in Triton; nothing where it does."""
    names = _scaled_object(site).get("status", {}).get("externalMetricNames", [])
    metric = next((name for name in names if "prometheus" in name), "")
    chosen = f"labelSelector=scaledobject.keda.sh/name={site.medulla.object_name('embedder')}"
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{site.namespace.name}/{metric}?{chosen}"
    response = site.namespace.attempt("get", "--raw", path)
    if not metric or response.returncode:
        return f"{metric or 'no metric of Prometheus'}: {response.stderr}"
    values = [item["value"] for item in json.loads(response.stdout)["items"]]
    return "" if set(values) - {"0"} else f"the queue is {values}"
