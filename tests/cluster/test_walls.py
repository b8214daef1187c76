"""What must fail fails: traffic that is no flow of Medulla's, and pods that "restricted" forbids."""

from collections.abc import Iterator

import pytest

from tests.stack.home import StackError
from tests.support.cluster import strangers
from tests.support.cluster.images import TAG
from tests.support.cluster.kubernetes import Namespace
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site

_IMAGE = f"medulla/results:{TAG}"
_PATIENCE_S = 20.0
"""A new pod is known to policies a moment after its start."""


@pytest.fixture(scope="module")
def stranger(site: Site) -> Iterator[str]:
    with strangers.running(site.namespace, _IMAGE) as name:
        yield name


def _address(site: Site, component: str) -> str:
    return str(site.namespace.object("pod", site.medulla.pod(component))["status"]["podIP"])


@pytest.mark.parametrize(
    ("component", "port"),
    [("tiler", 50051), ("tiler", 8081), ("embedder", 8000), ("embedder", 8002), ("results", 8081)],
)
def test_a_stranger_reaches_no_port_of_ours(site: Site, stranger: str, component: str, port: int) -> None:
    assert strangers.reach(site.namespace, stranger, _address(site, component), port).startswith("refused")


def test_prometheus_in_its_namespace_reaches_metrics_and_nothing_else(site: Site) -> None:
    monitoring = Namespace("monitoring")
    already = "monitoring" in site.namespace.names("namespaces")
    monitoring.create()
    try:
        with strangers.running(monitoring, _IMAGE) as name:
            for component, port in (("tiler", 8081), ("embedder", 8002)):
                reply = strangers.reach(monitoring, name, _address(site, component), port, _PATIENCE_S)
                assert reply == "reached", component
            assert strangers.reach(monitoring, name, _address(site, "tiler"), 50051).startswith("refused")
    finally:
        if not already:
            monitoring.delete()


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [("fusion-scorer", "tiler", 50051), ("tiler", "results", 8081)],
)
def test_services_reach_only_whom_they_work_with(site: Site, source: str, target: str, port: int) -> None:
    pod = site.medulla.pod(source)
    assert strangers.reach(site.namespace, pod, _address(site, target), port).startswith("refused")


@pytest.mark.parametrize(
    ("source", "component", "port", "answer"),
    [
        ("tiler", "kafka", 9092, "reached"),
        ("tiler", "s3", 9000, "reached"),
        ("tiler", "postgres", 5432, "refused"),
        ("embedder", "postgres", 5432, "refused"),
        ("fusion-scorer", "postgres", 5432, "refused"),
        ("results", "postgres", 5432, "reached"),
    ],
)
def test_only_results_reaches_the_database(site: Site, source: str, component: str, port: int, answer: str) -> None:
    host = site.outside.object_name(f"dev-{component}")
    container = "" if source != "embedder" else "embedder"
    reply = strangers.reach(site.namespace, site.medulla.pod(source), host, port, container=container)
    assert reply.startswith(answer), reply


@pytest.mark.parametrize("caller", ["embedder", "results"])
def test_those_who_need_pixels_reach_the_tiler(site: Site, caller: str) -> None:
    pod, host = site.medulla.pod(caller), site.medulla.object_name("tiler")
    container = "embedder" if caller == "embedder" else ""
    assert strangers.reach(site.namespace, pod, host, 50051, container=container) == "reached"


@pytest.mark.parametrize(
    "security",
    [{"privileged": True, "allowPrivilegeEscalation": True}, {"runAsUser": 0}, {"capabilities": {}}],
    ids=["privileged", "root", "with capabilities"],
)
def test_the_namespace_admits_no_pod_that_is(site: Site, security: dict[str, object]) -> None:
    with pytest.raises(StackError, match='violates PodSecurity "restricted'):
        site.namespace.apply(strangers.pod("forbidden", _IMAGE, **security))


def test_no_pod_of_ours_has_a_token_or_can_write_its_root(site: Site) -> None:
    for component in SERVICES:
        pod = site.medulla.pod(component)
        tried = site.namespace.attempt(
            "exec", pod, "--", "python", "-c", "import pathlib; pathlib.Path('/opt/x').write_text('')"
        )
        assert "Read-only file system" in tried.stderr, component
        token = site.namespace.attempt("exec", pod, "--", "ls", "/var/run/secrets/kubernetes.io")
        assert "No such file or directory" in token.stderr, component
