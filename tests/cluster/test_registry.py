"""Images by the guide's commands, and the chart, go into a registry; a site is installed from there by digest."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.release.__main__ import main
from tests.release.registry import plain
from tests.stack.home import inside
from tests.stack.process import free_ports
from tests.stack.registry import Registry
from tests.support.checkout import CHECKOUT
from tests.support.cluster import docker
from tests.support.cluster.observer import Observer
from tests.support.cluster.release import SERVICES, VALUES_OF, Release
from tests.support.cluster.site import Site
from tests.support.guide_blocks import blocks
from tests.support.signing import pair

_ADDRESS = "MEDULLA_REGISTRY"
"""A registry that this machine pushes to and the nodes pull from, where a node is not this machine."""
(_BUILD_AND_PUSH,) = (block.text for block in blocks() if block.mark == "needs a container builder")


@pytest.fixture
def registry() -> Iterator[str]:
    """Address of a registry; one of this machine goes with the test."""
    if own := os.environ.get(_ADDRESS):
        yield own
        return
    with tempfile.TemporaryDirectory(dir=inside("partial")) as folder:
        started = Registry(Path(folder), *free_ports(1))
        started.start()
        yield started.address
        started.stop()


@pytest.fixture
def released(registry: str, tmp_path: Path) -> Path:
    """Folder of a release whose images the guide's commands built and pushed."""
    path = os.pathsep.join([str(docker.install(tmp_path)), os.environ["PATH"]])
    environment = os.environ | {"REGISTRY": registry, "PATH": path}
    subprocess.run(["sh", "-ec", _BUILD_AND_PUSH], cwd=CHECKOUT, env=environment, check=True)
    (tmp_path / "key.pem").write_bytes(pair()[0])
    out = tmp_path / "release"
    options = ("--key", str(tmp_path / "key.pem"), "--out", str(out), "--registry", registry)
    assert main(["build", *options]) == 0
    return out


@pytest.fixture
def from_registry(site: Site, registry: str, released: Path) -> Iterator[Release]:
    """The site's release, installed by the pushed chart with the pins; afterwards as it was."""
    chart = (f"oci://{registry}/charts/medulla", "--version", "0.1.0", *plain(registry))
    release = replace(site.medulla, chart=chart, files=(*site.medulla.files, *released.glob("*.images.yaml")))
    release.install({"embedder": {"triton": {"mode": "off"}}})
    yield release
    site.medulla.install()


def test_a_site_from_a_registry_runs_the_images_that_the_release_pins_and_scores(
    from_registry: Release, released: Path, observer: Observer
) -> None:
    (pins,) = released.glob("*.images.yaml")
    pinned = yaml.safe_load(pins.read_text())
    for service in SERVICES:
        [pod] = from_registry.pods(service)
        digest = pinned[VALUES_OF[service]]["image"]["digest"]
        assert [each["imageID"].partition("@")[2] for each in pod["status"]["containerStatuses"]] == [digest]
    cases = observer.land("from-registry", range(2))
    observer.wait_scored(cases)
    lists = {file.name for file in released.glob("*.image.cdx.json")}
    assert lists == {f"medulla-{name}.image.cdx.json" for name in (*SERVICES, "standalone")}
