"""How Prometheus finds the pods of a release: by the annotations on them, or as its operator reads a PodMonitor."""

from collections.abc import Iterator
from typing import Any

Config = dict[str, Any]
BY_ANNOTATION, BY_MONITOR = "by-annotation", "by-pod-monitor"
_POD = "__meta_kubernetes_pod_"
_ABOUT = {"namespace": "__meta_kubernetes_namespace", "pod": f"{_POD}name", "container": f"{_POD}container_name"}


def configuration(namespace: str, monitor: Config, seconds: int, rules: str) -> Config:
    """A whole prometheus.yaml for one namespace; `rules` is a pattern of rule files.

    Both ways are taken side by side. Of the pods found by annotation only `up` is kept, so that no sum counts twice.
    """
    every = f"{seconds}s"
    found = [_by_annotation(namespace), *_by_monitor(namespace, monitor, every)]
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [rules],
        "scrape_configs": found,
    }


def _by_annotation(namespace: str) -> Config:
    """The recipe that a Prometheus without operator usually has for `prometheus.io/…`."""
    address = [f"{_POD}ip", f"{_POD}annotation_prometheus_io_port"]
    path = {"source_labels": [f"{_POD}annotation_prometheus_io_path"], "target_label": "__metrics_path__"}
    relabel = [
        _keep(f"{_POD}annotation_prometheus_io_scrape", "true"),
        {**path, "action": "replace", "regex": "(.+)"},
        {"source_labels": address, "separator": ":", "regex": "(.+:[0-9]+)", "target_label": "__address__"},
        *(_named(label, source) for label, source in _ABOUT.items() if label != "container"),
    ]
    nothing = {"source_labels": ["__name__"], "regex": ".*", "action": "drop"}
    return {**_discovery(BY_ANNOTATION, namespace, relabel), "metric_relabel_configs": [nothing]}


def _by_monitor(namespace: str, monitor: Config, every: str) -> Iterator[Config]:
    """What the operator makes of the PodMonitor; `every` goes before the monitor's own interval."""
    chosen = monitor["spec"]["selector"]["matchLabels"]
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        relabel = [
            *(_keep(f"{_POD}label_{_plain(label)}", value) for label, value in chosen.items()),
            _keep(f"{_POD}container_port_name", endpoint["port"]),
            _keep(f"{_POD}phase", "Running"),
            *(_named(label, source) for label, source in _ABOUT.items()),
        ]
        job = _discovery(f"{BY_MONITOR}/{endpoint['port']}", namespace, relabel)
        yield {**job, "metrics_path": endpoint["path"], "scrape_interval": every}


def _discovery(name: str, namespace: str, relabel: list[Config]) -> Config:
    pods = {"role": "pod", "namespaces": {"names": [namespace]}}
    return {"job_name": name, "kubernetes_sd_configs": [pods], "relabel_configs": relabel}


def _keep(label: str, value: str) -> Config:
    return {"source_labels": [label], "regex": value, "action": "keep"}


def _named(label: str, source: str) -> Config:
    return {"source_labels": [source], "target_label": label}


def _plain(label: str) -> str:
    """A label's name as discovery writes it."""
    return "".join(letter if letter.isalnum() else "_" for letter in label)
