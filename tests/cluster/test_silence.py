"""Silence raises alerts: a real Prometheus misses services that ended, and records that nobody reads any more."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Observer
from tests.support.cluster.prometheus import Prometheus, watching
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site, say

_SILENT, _UNREAD = "MedullaServiceSilent", "MedullaPartitionUnread"
_AT_ONCE = {"monitoring": {"rules": {"alerts": {alert: {"for": "10s"} for alert in (_SILENT, _UNREAD)}}}}
_WAITING = 40
"""Slides that the tiler plans in one go: more than the embedder takes while Prometheus looks once and the pod ends."""
_PATIENCE_S = 240
_READ = "medulla_consumer_lag_records"


@pytest.fixture(scope="module")
def prometheus(site: Site) -> Iterator[Prometheus]:
    """It watches a release that is well."""
    try:
        site.medulla.install(_AT_ONCE)
        with watching(site) as started:
            _wait_for_series(started, SERVICES)
            yield started
    finally:
        site.medulla.install()


def _wait_for_series(prometheus: Prometheus, services: Sequence[str]) -> None:
    """Wait until every service is seen to read its topics."""
    groups = {_group(service) for service in services}
    until("every service to read", lambda: " ".join(groups - _services(prometheus, _READ)), _PATIENCE_S)


def _group(service: str) -> str:
    """The service as metrics name it."""
    return service.replace("-", "_")


def _services(prometheus: Prometheus, expression: str) -> set[str]:
    """Label `service` of each series of an expression."""
    return {str(json.loads(labels)["service"]) for labels in prometheus.now(expression)}


def _firing(prometheus: Prometheus, alert: str) -> set[str]:
    return _services(prometheus, f'ALERTS{{alertname="{alert}",alertstate="firing"}}')


@contextmanager
def _scaled_away(site: Site, services: Sequence[str]) -> Iterator[None]:
    """The services have no pods while the body runs, and are ready again afterwards."""
    names = [f"deployment/{site.medulla.object_name(service)}" for service in services]
    site.namespace.kubectl("scale", *names, "--replicas", "0")
    try:
        yield
    finally:
        site.namespace.kubectl("scale", *names, "--replicas", "1")
    site.medulla.wait_ready(*services)


def _wait_until_silent(prometheus: Prometheus, services: Sequence[str]) -> None:
    """Wait until exactly these services are missed."""
    groups = {_group(service) for service in services}
    until(f"{_SILENT} of {groups}", lambda: " ".join(groups ^ _firing(prometheus, _SILENT)), _PATIENCE_S)


def test_services_that_ended_are_missed_until_they_are_back(site: Site, prometheus: Prometheus) -> None:
    with _scaled_away(site, SERVICES):
        _wait_until_silent(prometheus, SERVICES)
        assert prometheus.now("up") == {}, "no series is left that could say that something is wrong"
    _wait_until_silent(prometheus, ())
    _wait_for_series(prometheus, SERVICES)
    assert _firing(prometheus, _UNREAD) == set(), "nothing waited"


def test_a_consumer_that_is_scaled_away_with_records_waiting_is_missed_until_it_reads_again(
    site: Site, observer: Observer, prometheus: Prometheus
) -> None:
    with _scaled_away(site, ["tiler"]):
        cases = observer.land("silence", range(_WAITING))
    behind = f'{_READ}{{service="embedder"}} > 1'
    until("a backlog", lambda: "" if prometheus.now(behind) else "none", _PATIENCE_S, 0.5)
    with _scaled_away(site, ["embedder"]):
        _wait_until_silent(prometheus, ["embedder"])
        until(_UNREAD, lambda: "" if _firing(prometheus, _UNREAD) == {"embedder"} else "it is quiet", _PATIENCE_S)
        assert prometheus.now(f'{_READ}{{service="embedder"}}') == {}, "its lag went with it"
    _wait_until_silent(prometheus, ())
    prometheus.wait_until_quiet(_UNREAD)
    waited = observer.wait_scored(cases)
    say(f"{len(cases)} of {len(cases)} scored, the last after {max(waited.values()):.0f} s")
