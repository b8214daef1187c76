"""Silence is noticed: services that ended, records that nobody reads any more, slides that no event announced."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from shared import keys
from shared.bus import topics
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Observer
from tests.support.cluster.prometheus import Prometheus, watching
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site, say
from tests.support.cluster.sweeping import silent_bucket

_SILENT, _UNREAD = "MedullaServiceSilent", "MedullaPartitionUnread"
_RELEASE = {
    "monitoring": {"rules": {"alerts": {alert: {"for": "10s"} for alert in (_SILENT, _UNREAD)}}},
    "sweep": {"schedule": "0 0 1 1 *"},
}
"""Alerts at once, and no sweeps but those of the services, which are counted."""
_WAITING = 40
"""Slides that the tiler plans in one go: more than the embedder takes while Prometheus looks once and the pod ends."""
_PATIENCE_S = 240
_READ = "medulla_consumer_lag_records"
_SWEPT, _COUNTED = "medulla_sweep_findings_total", "medulla:sweep_findings:new1h"
_OLD_S = 90
"""A slide of this age, by whichever clock, was announced or never will be."""


@pytest.fixture(scope="module")
def prometheus(site: Site) -> Iterator[Prometheus]:
    """It watches a release that is well."""
    try:
        site.medulla.install(_RELEASE)
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


def _wait_until_idle(prometheus: Prometheus, services: str) -> None:
    """Wait until services, by a regular expression, were last seen with nothing to read: they measure every 15 s."""
    waiting = f'{_READ}{{service=~"{services}"}} > 0'
    until("services to be idle", lambda: " ".join(prometheus.now(waiting)), _PATIENCE_S)


def test_services_that_ended_are_missed_until_they_are_back(site: Site, prometheus: Prometheus) -> None:
    _wait_until_idle(prometheus, ".+")
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


def test_a_tiler_that_was_away_counts_the_slide_that_no_event_announced_and_none_that_waited(
    site: Site, observer: Observer, prometheus: Prometheus
) -> None:
    """A tiler sweeps as soon as it runs."""
    with _scaled_away(site, ["tiler"]):
        waiting = observer.land("waits", range(_WAITING))
        _wait_until_old(observer, waiting)
    assert _swept_first(site, prometheus) == 0
    assert _announced_again(observer, waiting), "the sweep came too late to see any of them"
    observer.wait_scored(waiting)
    _wait_until_idle(prometheus, "tiler")
    before = _counted(prometheus)
    with _scaled_away(site, ["tiler"]):
        with silent_bucket(observer):
            missed = observer.land("missed", [0])
        _wait_until_old(observer, missed)
    assert _swept_first(site, prometheus) == 1
    until(_COUNTED, lambda: "" if _counted(prometheus) == before + 1 else str(_counted(prometheus)), _PATIENCE_S)
    observer.wait_scored(missed)


def _wait_until_old(observer: Observer, cases: Sequence[str]) -> None:
    """Wait until the slides of cases are so old that the sweep could count them."""
    put_at = max(observer.put_at[case] for case in cases)
    until("slides to be old", lambda: "" if time.time() - put_at > _OLD_S else "they are new", _PATIENCE_S)


def _swept_first(site: Site, prometheus: Prometheus) -> float:
    """How many slides the first sweep of the tiler that runs now has counted, once it has ended."""
    series = f'{_SWEPT}{{prefix="{keys.SLIDES}",pod="{site.medulla.pod("tiler")}"}}'
    until("the first sweep", lambda: "" if prometheus.now(series) else "it has not ended", _PATIENCE_S)
    return sum(prometheus.now(series).values())


def _counted(prometheus: Prometheus) -> float:
    """Slides that were counted within the hour, as the alert MedullaSweepFinds has it."""
    return sum(prometheus.now(f'{_COUNTED}{{prefix="{keys.SLIDES}"}}').values())


def _announced_again(observer: Observer, cases: Sequence[str]) -> list[str]:
    """Cases whose slide was announced by the sweep too."""
    times = Counter(key.split("/")[2] for key, _, _ in observer.topic(topics.S3_EVENTS) if key.count("/") > 2)
    return [case for case in cases if times[case] > 1]
