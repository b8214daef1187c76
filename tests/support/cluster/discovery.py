"""Runs beside Prometheus in its pod: lists the pods of a namespace and writes them as targets, again and again.

Stands in for `kubernetes_sd_configs`, which Debian builds Prometheus without: the same labels, by the same rights.
Arguments: namespace, file, seconds between two looks. Standard library only, as it runs in Prometheus' image.
"""

import json
import re
import ssl
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_POD = "__meta_kubernetes_pod_"


def targets(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A target for each port of each container that has an address, init containers counted."""
    return [target for pod in pods if pod["status"].get("podIP") for target in _of_pod(pod)]


def _of_pod(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    address, about = pod["status"]["podIP"], _about(pod)
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]
    for container in containers:
        for port in container.get("ports", ()):
            own = {f"{_POD}container_name": container["name"], f"{_POD}container_port_name": port.get("name", "")}
            yield {"targets": [f"{address}:{port['containerPort']}"], "labels": about | own}


def _about(pod: dict[str, Any]) -> dict[str, str]:
    data = pod["metadata"]
    facts = {
        "__meta_kubernetes_namespace": data["namespace"],
        f"{_POD}name": data["name"],
        f"{_POD}ip": pod["status"]["podIP"],
        f"{_POD}phase": pod["status"]["phase"],
    }
    for kind in ("label", "annotation"):
        values = data.get(f"{kind}s", {})
        facts |= {f"{_POD}{kind}_{re.sub('[^a-zA-Z0-9]', '_', name)}": value for name, value in values.items()}
    return facts


def _pods(namespace: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"https://kubernetes.default.svc/api/v1/namespaces/{namespace}/pods",
        headers={"Authorization": f"Bearer {(_ACCOUNT / 'token').read_text()}"},
    )
    trusted = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=10, context=trusted) as answer:  # noqa: S310
        return list(json.load(answer)["items"])


def main(namespace: str, file: str, seconds: str) -> None:
    """Look until the pod ends; what is written is always whole."""
    tick, partial = threading.Event(), Path(f"{file}.partial")
    while True:
        try:
            partial.write_text(json.dumps(targets(_pods(namespace))))
            partial.replace(file)
        except OSError as error:
            print(f"cannot list pods: {error}", file=sys.stderr, flush=True)
        tick.wait(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
