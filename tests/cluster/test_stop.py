"""A pod that is ended in order, at work or while it starts, exits with 0 within its grace."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cluster.kubernetes import Object, until
from tests.support.cluster.observer import Observer
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site

_STATUS = '{.metadata.name} {.status}{"\\n"}'
"""A line for each change of a pod: its name, and its status as JSON."""
_PATIENCE_S = 180
Codes = dict[str, dict[str, int]]
"""Exit codes of the containers of each pod that have ended."""


@pytest.fixture
def codes(site: Site, tmp_path: Path) -> Iterator[Callable[[], Codes]]:
    """Exit codes of pods that end from now on."""
    lines = tmp_path / "pods"
    chosen = f"app.kubernetes.io/instance={site.medulla.name}"
    with _watching(lines, site.namespace.name, chosen):
        until("the watch to begin", lambda: "" if lines.read_text() else "nothing yet", 30)
        yield lambda: _read(lines)


@contextmanager
def _watching(lines: Path, namespace: str, chosen: str) -> Iterator[None]:
    watch = ["kubectl", "--namespace", namespace, "get", "pods", "--watch", "--selector", chosen]
    with lines.open("w") as file:
        process = subprocess.Popen([*watch, f"--output=jsonpath={_STATUS}"], stdout=file)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def _read(lines: Path) -> Codes:
    codes: Codes = {}
    for line in lines.read_text().rpartition("\n")[0].splitlines():
        pod, _, status = line.partition(" ")
        for each in json.loads(status).get("containerStatuses", ()):
            if "terminated" in each["state"]:
                codes.setdefault(pod, {})[each["name"]] = each["state"]["terminated"]["exitCode"]
    return codes


def _own_codes(codes: Codes, pods: dict[str, str]) -> dict[str, int | None]:
    """Exit code of each service's own container."""
    return {service: codes.get(pod, {}).get(service) for service, pod in pods.items()}


def _end(site: Site, codes: Callable[[], Codes], pods: dict[str, str]) -> None:
    """Delete pods with their grace, and wait until the last look at each has an exit code."""
    site.namespace.kubectl("delete", "pods", *pods.values(), "--wait", timeout=_PATIENCE_S)
    until("exit codes", lambda: "one is missing" if None in _own_codes(codes(), pods).values() else "", 30)


def test_pods_at_work_end_with_0_and_lose_no_slide(
    site: Site, observer: Observer, codes: Callable[[], Codes], as_in_calm: Callable[[list[str]], None]
) -> None:
    site.medulla.wait_ready()
    cases = observer.land("stop", range(10))
    until("the first score", lambda: "" if observer.scored(cases) else "none yet", _PATIENCE_S, 0.2)
    pods = {service: site.medulla.pod(service) for service in SERVICES}
    _end(site, codes, pods)
    assert _own_codes(codes(), pods) == dict.fromkeys(SERVICES, 0)
    observer.wait_scored(cases)
    as_in_calm(cases)


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_that_has_just_started_ends_with_0(service: str, site: Site, codes: Callable[[], Codes]) -> None:
    site.medulla.wait_ready(service)
    before = {pod["metadata"]["name"] for pod in site.medulla.pods(service)}
    site.namespace.kubectl("rollout", "restart", f"deployment/{site.medulla.object_name(service)}")
    started = {service: _just_started(site, service, before)}
    _end(site, codes, started)
    assert _own_codes(codes(), started) == {service: 0}
    site.medulla.wait_ready(service)


def _just_started(site: Site, service: str, before: set[str]) -> str:
    """The first new pod of a service whose own container runs."""
    running: list[str] = []

    def missing() -> str:
        new = [pod for pod in site.medulla.pods(service) if pod["metadata"]["name"] not in before]
        running.extend(pod["metadata"]["name"] for pod in new if _runs(pod, service))
        return "" if running else "it does not run"

    until(f"a new {service} to run", missing, _PATIENCE_S, 0.2)
    return running[0]


def _runs(pod: Object, container: str) -> bool:
    statuses = pod["status"].get("containerStatuses", ())
    return any(each["name"] == container and "running" in each["state"] for each in statuses)
