"""Watched by a real Prometheus: every target is up, rules evaluate, alerts come and go, every panel has data."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared import keys
from tests.chart_docs.dashboards import panels
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Observer
from tests.support.cluster.prometheus import SECONDS, Prometheus, watching
from tests.support.cluster.release import SERVICES
from tests.support.cluster.scraping import BY_ANNOTATION, BY_MONITOR
from tests.support.cluster.site import BUCKET, Site

_SITE = "hospital-north"
_AT_ONCE = {"MedullaSlideStale": {"for": "5s"}}
_WATCHED = {
    "monitoring": {"rules": {"staleMinutes": 1, "deadLetterMinutes": 1, "alerts": _AT_ONCE}},
    "results": {"settings": {"RESULTS_WAITING_LOOK_EVERY_S": SECONDS}},
}
_MINUTE_LATE = "MedullaScoresLate"
"""Fires rightly here, where a minute is late, after a slide that waited for its service, or on a busy machine."""
_WITHOUT_DATA = {
    "GPU at work": "Triton runs on a CPU here",
    "GPU memory": "Triton runs on a CPU here",
    "Observed over expected events": "no outcome of a scored case has come",
    "Charts of outcomes over their threshold": "no outcome of a scored case has come",
}
"""Panels, by the beginning of their titles, that cannot have data on this site, and why."""
_NOT_HERE = {
    "kube_deployment_spec_replicas": "kube-state-metrics is none of this site's",
    "kube_deployment_status_replicas_available": "kube-state-metrics is none of this site's",
    "kube_pod_container_status_restarts_total": "kube-state-metrics is none of this site's",
    "kube_cronjob_created": "kube-state-metrics is none of this site's",
    "kube_cronjob_status_last_successful_time": "kube-state-metrics is none of this site's",
    "certmanager_certificate_expiration_timestamp_seconds": "cert-manager is none of this site's",
    "medulla_certificate_expiry_timestamp_seconds": "no gRPC server of this site speaks TLS",
    "medulla_monitor_flagged": "no outcome of a scored case has come",
    "medulla_internal_errors_total": "begins with the first unexpected error",
    "medulla_worker_deaths_total": "begins with the first process that dies at work",
}
"""Metrics that rules ask for and that this site does not have, and why."""
_METRIC = re.compile(r"\b(?:medulla|nv|kube|certmanager)_\w+")
_WINDOW_S = 600


@pytest.fixture(scope="module")
def prometheus(site: Site) -> Iterator[Prometheus]:
    """It watches pods that have counted nothing before."""
    site.medulla.install(_WATCHED)
    site.medulla.restart()
    with watching(site) as started:
        yield started
    site.medulla.install()


@pytest.fixture(scope="module")
def scored(observer: Observer, prometheus: Prometheus) -> list[str]:
    """Cases that were scored while Prometheus watched, with the record of a site."""
    _wait_for_targets(prometheus)
    run = f"watched-{observer.session}"
    for case in (f"{run}-{number:02d}" for number in range(2)):
        _put(observer, f"{keys.CLINICAL}{case}.json", _record(case))
    cases = observer.land(run, range(2))
    observer.wait_scored(cases)
    return cases


@pytest.fixture(scope="module")
def given_up(observer: Observer, prometheus: Prometheus) -> Iterator[None]:
    """A file that is no slide landed and was refused; its case is erased in the end."""
    _wait_for_targets(prometheus)
    case = f"broken-{observer.session}"
    _put(observer, f"{keys.SLIDES}{case}/{case}.tiff", b"no slide")
    until("the refusal", lambda: "" if observer.states().get(case) == "REJECTED" else "none", 120)
    until("its count", lambda: "" if prometheus.now("medulla_dead_letters_total") else "none", 120)
    yield
    observer.erase(case)


def _put(observer: Observer, key: str, data: bytes) -> None:
    observer.store(lambda s3: s3.put_object(Bucket=BUCKET, Key=key, Body=data))


def _record(case: str) -> bytes:
    return json.dumps({"case_id": case, "site_id": _SITE, "simulated": True}).encode()


def _targets(prometheus: Prometheus) -> list[dict[str, Any]]:
    return list(prometheus.ask("targets", state="active")["activeTargets"])


def _down(prometheus: Prometheus) -> str:
    targets = _targets(prometheus)
    wrong = [
        f"{each['scrapeUrl']}: {each['lastError'] or each['health']}" for each in targets if each["health"] != "up"
    ]
    return "; ".join(wrong) if targets else "no targets"


def _wait_for_targets(prometheus: Prometheus) -> None:
    until("every target to be up", lambda: _down(prometheus), 90)


def test_every_pod_is_found_and_answers_by_pod_monitor_and_by_annotation(site: Site, prometheus: Prometheus) -> None:
    _wait_for_targets(prometheus)
    pods = {pod["metadata"]["name"] for service in SERVICES for pod in site.medulla.pods(service)}
    embedders = {pod["metadata"]["name"] for pod in site.medulla.pods("embedder")}
    discovered: dict[str, set[str]] = {}
    for target in _targets(prometheus):
        discovered.setdefault(target["labels"]["job"], set()).add(target["labels"]["pod"])
    assert discovered == {
        BY_ANNOTATION: pods,
        f"{BY_MONITOR}/health": pods,
        f"{BY_MONITOR}/triton-metrics": embedders,
    }


@pytest.mark.usefixtures("scored")
def test_every_rule_loads_and_evaluates(site: Site, prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"} == {}
    text = site.namespace.object("configmap", site.medulla.object_name("rules"))["data"]["medulla.rules.yaml"]
    assert len(rules) == text.count("expr:")


@pytest.mark.usefixtures("scored")
def test_a_release_that_is_well_raises_no_alert_and_none_is_about_to(prometheus: Prometheus) -> None:
    until("no alert", lambda: " ".join(sorted(prometheus.alerts(".+") - {_MINUTE_LATE})), 240)
    assert prometheus.alerts("firing") <= {_MINUTE_LATE}


@pytest.mark.usefixtures("given_up")
def test_the_first_event_of_its_kind_that_is_given_up_raises_an_alert_that_clears(prometheus: Prometheus) -> None:
    prometheus.wait_until_it_has_fired("MedullaDeadLetters")
    prometheus.wait_until_quiet("MedullaDeadLetters")


def test_a_slide_raises_an_alert_while_its_service_is_away_until_it_is_scored(
    site: Site, observer: Observer, prometheus: Prometheus
) -> None:
    _wait_for_targets(prometheus)
    prometheus.wait_until_quiet("MedullaSlideStale")
    tiler = f"deployment/{site.medulla.object_name('tiler')}"
    site.namespace.kubectl("scale", tiler, "--replicas", "0")
    try:
        until("the tiler to go", lambda: _tilers(site), 180)
        cases = observer.land("waiting", [2])
        prometheus.wait_until_it_fires("MedullaSlideStale", 240)
    finally:
        site.namespace.kubectl("scale", tiler, "--replicas", "1")
    observer.wait_scored(cases)
    prometheus.wait_until_quiet("MedullaSlideStale")


def _tilers(site: Site) -> str:
    """Names of its pods, those counted that are about to end: they may still take a slide."""
    labels = {"app.kubernetes.io/instance": site.medulla.name, "app.kubernetes.io/component": "tiler"}
    return " ".join(site.namespace.names("pods", **labels))


def _has_data(prometheus: Prometheus, namespace: str, expression: str) -> bool:
    """Whether a query of a panel gave a number within the last minutes."""
    filled = expression.replace("$namespace", namespace).replace("$__rate_interval", "1m")
    end = prometheus.now("vector(time())")["{}"]
    times = {"start": f"{end - _WINDOW_S:.0f}", "end": f"{end:.0f}", "step": "10s"}
    series = prometheus.ask("query_range", query=filled, **times)["result"]
    return any(math.isfinite(float(value)) for each in series for _, value in each["values"])


@pytest.mark.usefixtures("scored", "given_up")
def test_every_query_of_every_panel_has_data_or_a_reason_to_have_none(site: Site, prometheus: Prometheus) -> None:
    namespace = site.namespace.name
    empty = {
        panel["title"].partition(": good")[0]
        for panel in panels()
        for target in panel["targets"]
        if not _has_data(prometheus, namespace, target["expr"])
    }
    assert empty == set(_WITHOUT_DATA)


@pytest.mark.usefixtures("scored", "given_up")
def test_every_metric_that_rules_ask_for_is_there_or_has_a_reason_not_to_be(prometheus: Prometheus) -> None:
    rules = [rule["query"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    queried = {name for query in rules for name in _METRIC.findall(re.sub(r'"[^"]*"', "", query))}
    assert queried - set(prometheus.ask("label/__name__/values")) == set(_NOT_HERE)


@pytest.mark.usefixtures("scored")
def test_what_is_drawn_by_site_names_the_site_of_the_record(site: Site, prometheus: Prometheus) -> None:
    scores = prometheus.now(f'sum(medulla:scores:new1d{{namespace="{site.namespace.name}",site="{_SITE}"}})')
    assert scores["{}"] >= 2
