"""A real Prometheus beside a release: it may list pods, scrapes them, and has the chart's rules and no others."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.stack.chart_tools import KUBERNETES
from tests.support.chart.paths import CHART
from tests.support.cluster import discovery
from tests.support.cluster.forward import Forward
from tests.support.cluster.images import PROMETHEUS, TAG
from tests.support.cluster.kubernetes import Object, unready, until
from tests.support.cluster.scraping import Config, configuration
from tests.support.cluster.site import Site
from tests.support.cluster.strangers import pod

LABEL = {"app.kubernetes.io/name": "prometheus"}
"""What the site's network policies know it by."""
SECONDS = 5
"""Between scrapes, and between evaluations of rules."""
_NAME = "prometheus"
_FOLDER, _RULES = "/etc/prometheus", "/etc/prometheus-rules"
_PODS = "/data/pods.json"
_PORT = 9090


@dataclass(frozen=True)
class Prometheus:
    """Questions to it."""

    forward: Forward
    url: str
    """Where pods reach it."""

    def ask(self, path: str, **parameters: str) -> Any:
        """Data of an answer of its API."""
        resource = f"/api/v1/{path}?{urlencode(parameters)}"

        def ask(address: str) -> Any:
            with urllib.request.urlopen(f"http://{address}{resource}", timeout=20) as answer:
                return json.load(answer)["data"]

        return self.forward.call(ask)

    def now(self, expression: str) -> dict[str, float]:
        """Value of each series of an expression, by its labels as text."""
        samples = self.ask("query", query=expression)["result"]
        return {json.dumps(each["metric"], sort_keys=True): float(each["value"][1]) for each in samples}

    def alerts(self, state: str) -> set[str]:
        """Names of alerts in a state: firing, pending, or by `.+` either."""
        alerts = self.ask("query", query=f'ALERTS{{alertstate=~"{state}"}}')["result"]
        return {each["metric"]["alertname"] for each in alerts}

    def wait_until_it_fires(self, alert: str, seconds: float) -> None:
        """Wait until an alert fires."""
        until(f"{alert} to fire", lambda: "" if alert in self.alerts("firing") else "it does not", seconds, SECONDS)

    def wait_until_it_has_fired(self, alert: str, seconds: float = 120) -> None:
        """Wait until an alert fires, or has fired within half an hour."""
        fired = f'max_over_time(ALERTS{{alertname="{alert}",alertstate="firing"}}[30m])'
        until(f"{alert} to fire", lambda: "" if self.now(fired) else "it does not", seconds, SECONDS)

    def wait_until_quiet(self, alert: str, seconds: float = 180) -> None:
        """Wait until an alert fires no more."""
        until(f"{alert} to clear", lambda: alert if alert in self.alerts("firing") else "", seconds, SECONDS)


@contextmanager
def watching(site: Site) -> Iterator[Prometheus]:
    """A Prometheus that watches the release under test while the body runs."""
    _remove(site)
    site.namespace.apply(*_rights(site), _settings(site), _pod(site))
    until("Prometheus to run", lambda: unready(site.namespace.object("pod", _NAME)), 120)
    forward = Forward(site.namespace, f"pod/{_NAME}", _PORT)
    try:
        yield Prometheus(forward, f"http://{site.namespace.object('pod', _NAME)['status']['podIP']}:{_PORT}")
    finally:
        forward.close()
        _remove(site)


def _remove(site: Site) -> None:
    kinds = "pod,configmap,rolebinding,role,serviceaccount"
    site.namespace.attempt("delete", kinds, _NAME, "--ignore-not-found", "--wait")


def pod_monitor(site: Site) -> Config:
    """The PodMonitor that the release has on a cluster with Prometheus' operator."""
    release = site.medulla
    files = [word for file in release.files for word in ("--values", str(file))]
    operator = ("--set", "monitoring.operator=on", "--kube-version", KUBERNETES)
    only = ("--show-only", "templates/monitoring.yaml")
    values = json.dumps(release.values)
    text = release.helm("template", release.name, str(CHART), *files, "--values", "-", *operator, *only, stdin=values)
    return next(each for each in yaml.safe_load_all(text) if each and each["kind"] == "PodMonitor")


def _settings(site: Site) -> Object:
    config = configuration(pod_monitor(site), SECONDS, f"{_RULES}/*.yaml", _PODS)
    data = {"prometheus.yaml": yaml.safe_dump(config), "discovery.py": Path(discovery.__file__).read_text()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _NAME}, "data": data}


def _rights(site: Site) -> list[Object]:
    """It may see the pods of its namespace."""
    about, group = {"name": _NAME}, "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    role = {"apiGroup": group, "kind": "Role", "name": _NAME}
    account = {"kind": "ServiceAccount", "name": _NAME, "namespace": site.namespace.name}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": about, "rules": [rule]},
        {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": about, "roleRef": role, "subjects": [account]},
    ]


def _pod(site: Site) -> Object:
    server = pod(_NAME, f"{PROMETHEUS}:{TAG}")
    server["metadata"]["labels"] = LABEL
    server["spec"] |= {"serviceAccountName": _NAME, "automountServiceAccountToken": True}
    rules = {"name": site.medulla.object_name("rules")}
    server["spec"]["volumes"] = [
        {"name": "settings", "configMap": {"name": _NAME}},
        {"name": "rules", "configMap": rules},
        {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    server["spec"]["containers"] = _containers(server["spec"]["containers"][0], site.namespace.name)
    return server


def _containers(common: Object, namespace: str) -> list[Object]:
    files, data = f"--config.file={_FOLDER}/prometheus.yaml", "--storage.tsdb.path=/data/series"
    serve = ["prometheus", files, data, f"--web.listen-address=0.0.0.0:{_PORT}"]
    look = ["python", f"{_FOLDER}/discovery.py", namespace, _PODS, str(SECONDS)]
    common["volumeMounts"] = [
        {"name": "settings", "mountPath": _FOLDER},
        {"name": "rules", "mountPath": _RULES},
        {"name": "data", "mountPath": "/data"},
    ]
    ready = {"httpGet": {"path": "/-/ready", "port": _PORT}, "periodSeconds": 2}
    return [
        {**common, "name": _NAME, "command": serve, "readinessProbe": ready},
        {**common, "name": "discovery", "command": look},
    ]
