"""What stands in for Prometheus' own discovery gives the labels that scrape configurations ask by."""

from typing import Any

from tests.support.cluster.discovery import targets

_POD: dict[str, Any] = {
    "metadata": {
        "name": "r-medulla-embedder-0",
        "namespace": "medulla",
        "labels": {"app.kubernetes.io/instance": "r"},
        "annotations": {"prometheus.io/port": "8081"},
    },
    "spec": {
        "containers": [{"name": "embedder", "ports": [{"name": "health", "containerPort": 8081}]}],
        "initContainers": [{"name": "triton", "ports": [{"name": "triton-metrics", "containerPort": 8002}]}],
    },
    "status": {"podIP": "10.0.0.7", "phase": "Running"},
}


def test_each_port_of_a_pod_is_a_target_with_the_labels_of_the_pod() -> None:
    service, triton = targets([_POD])
    assert (service["targets"], triton["targets"]) == (["10.0.0.7:8081"], ["10.0.0.7:8002"])
    assert triton["labels"] == {
        "__meta_kubernetes_namespace": "medulla",
        "__meta_kubernetes_pod_name": "r-medulla-embedder-0",
        "__meta_kubernetes_pod_ip": "10.0.0.7",
        "__meta_kubernetes_pod_phase": "Running",
        "__meta_kubernetes_pod_label_app_kubernetes_io_instance": "r",
        "__meta_kubernetes_pod_annotation_prometheus_io_port": "8081",
        "__meta_kubernetes_pod_container_name": "triton",
        "__meta_kubernetes_pod_container_port_name": "triton-metrics",
    }


def test_a_pod_without_an_address_is_no_target_yet() -> None:
    assert targets([{**_POD, "status": {"phase": "Pending"}}]) == []
