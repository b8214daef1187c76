"""Memory of each container against its limit, as the kubelet says it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.stack.home import StackError
from tests.support.cluster.kubernetes import Namespace
from tests.support.cluster.site import Site

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
HEADER = "| pod | container | most MiB | limit MiB | share |\n|---|---|---|---|---|"
Key = tuple[str, str]


def bytes_of(quantity: str) -> int:
    """A quantity of Kubernetes in bytes: 512Mi, 2Gi, 1000."""
    unit = quantity[-2:]
    return int(quantity[:-2]) * _UNITS[unit] if unit in _UNITS else int(quantity)


def limits(site: Site) -> dict[Key, int]:
    """Limit of each container of every pod that runs, in bytes."""
    pods = [pod for pod in (*site.medulla.pods(), *site.outside.pods()) if pod["status"]["phase"] == "Running"]
    return {
        (pod["metadata"]["name"], each["name"]): bytes_of(each["resources"]["limits"]["memory"])
        for pod in pods
        for each in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"])
    }


def working_sets(namespace: Namespace) -> dict[Key, int]:
    """What each container of the namespace cannot give back, in bytes."""
    sizes: dict[Key, int] = {}
    for node in namespace.names("nodes"):
        statistics = json.loads(namespace.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
        for pod in statistics["pods"]:
            if pod["podRef"]["namespace"] == namespace.name:
                for each in pod.get("containers", ()):
                    sizes[pod["podRef"]["name"], each["name"]] = int(each.get("memory", {}).get("workingSetBytes", 0))
    return sizes


@contextmanager
def watched(namespace: Namespace, every_s: float = 5) -> Iterator[dict[Key, int]]:
    """The most that each container took while the body ran, looked at every few seconds.

    Raises:
        StackError: it could not be looked at.
    """
    most: dict[Key, int] = {}
    stop = threading.Event()
    failed: list[StackError] = []

    def look() -> None:
        for key, taken in working_sets(namespace).items():
            most[key] = max(taken, most.get(key, 0))

    def watch() -> None:
        try:
            while not stop.wait(every_s):
                look()
        except StackError as error:
            failed.append(error)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]
    look()
