"""How Prometheus finds the pods of a release: by the annotations on them, or as its operator reads a PodMonitor."""

from collections.abc import Iterator
from typing import Any

Config = dict[str, Any]
BY_ANNOTATION, BY_MONITOR = "by-annotation", "by-pod-monitor"
_POD = "__meta_kubernetes_pod_"
_ABOUT = {"namespace": "__meta_kubernetes_namespace", "pod": f"{_POD}name", "container": f"{_POD}container_name"}


def configuration(monitor: Config, seconds: int, rules: str, pods: str) -> Config:
    """A whole prometheus.yaml; `rules` is a pattern of rule files, `pods` the file that discovery writes.

    Both ways are used together. Of the pods found by annotation only `up` is kept, so that no sum counts twice.
    """
    every = f"{seconds}s"
    jobs = [_by_annotation(), *_by_monitor(monitor, every)]
    for job in jobs:
        job["file_sd_configs"] = [{"files": [pods], "refresh_interval": every}]
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [rules],
        "scrape_configs": jobs,
    }


def _by_annotation() -> Config:
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
    return {"job_name": BY_ANNOTATION, "relabel_configs": relabel, "metric_relabel_configs": [nothing]}


def _by_monitor(monitor: Config, every: str) -> Iterator[Config]:
    """What the operator makes of the PodMonitor; `every` goes before the monitor's own interval."""
    chosen = monitor["spec"]["selector"]["matchLabels"]
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        relabel = [
            *(_keep(f"{_POD}label_{_plain(label)}", value) for label, value in chosen.items()),
            _keep(f"{_POD}container_port_name", endpoint["port"]),
            _keep(f"{_POD}phase", "Running"),
            *(_named(label, source) for label, source in _ABOUT.items()),
        ]
        job = f"{BY_MONITOR}/{endpoint['port']}"
        how = {"metrics_path": endpoint["path"], "scrape_interval": every}
        yield {"job_name": job, "relabel_configs": relabel, **how}


def _keep(label: str, value: str) -> Config:
    return {"source_labels": [label], "regex": value, "action": "keep"}


def _named(label: str, source: str) -> Config:
    return {"source_labels": [source], "target_label": label}


def _plain(label: str) -> str:
    """A label's name as discovery writes it."""
    return "".join(letter if letter.isalnum() else "_" for letter in label)
