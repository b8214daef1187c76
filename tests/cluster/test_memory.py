"""A pod past its memory limit is ended by the kernel, comes back and goes on with what it had begun."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.cluster.kubernetes import Object, until
from tests.support.cluster.observer import Observer
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site

_TOO_MUCH = """
import os, pathlib, signal
pathlib.Path("/proc/1/oom_score_adj").write_text("1000")
for _ in range(400):
    if os.fork() == 0:
        held = bytearray(16 * 2**20)
        for place in range(0, len(held), 4096):
            held[place] = 1
        signal.pause()
"""
"""Takes memory until none is left, in many small processes, so that the kernel ends the service first."""


@pytest.fixture(scope="module", autouse=True)
def _new_pods(site: Site) -> Iterator[None]:
    """Pods that restarted here are replaced, as other tests look for restarts of their own."""
    yield
    site.medulla.restart()


@pytest.mark.parametrize("component", SERVICES)
def test_a_pod_past_its_memory_limit_comes_back_and_goes_on(
    component: str, site: Site, observer: Observer, as_in_calm: Callable[[list[str]], None]
) -> None:
    site.medulla.wait_ready()
    pod = site.medulla.pod(component)
    restarts = int(_status(site, pod, component)["restartCount"])
    cases = observer.land(f"memory-of-{component}", range(10))
    site.namespace.attempt("exec", pod, "--container", component, "--", "python", "-c", _TOO_MUCH, timeout=300)
    until(
        "the container to be back",
        lambda: "" if int(_status(site, pod, component)["restartCount"]) > restarts else "no restart",
        120,
    )
    assert _status(site, pod, component)["lastState"]["terminated"]["reason"] == "OOMKilled"
    observer.wait_scored(cases)
    as_in_calm(cases)


def _status(site: Site, pod: str, container: str) -> Object:
    statuses = site.namespace.object("pod", pod)["status"]["containerStatuses"]
    return dict(next(each for each in statuses if each["name"] == container))
