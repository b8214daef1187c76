"""The images as they run: nobody's root, one service each, what its lock lists, nothing to install or compile with."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.chart.paths import CHECKOUT
from tests.support.cluster import strangers
from tests.support.cluster.images import IMAGES, SERVICES, TAG
from tests.support.cluster.site import Site

_LOOK = """
import importlib.util, json, os, pathlib, shutil, services
tools = ("pip", "pip3", "gcc", "cc", "make", "ld")
print(json.dumps({
    "uid": os.getuid(),
    "services": sorted(each.name for each in pathlib.Path(services.__path__[0]).iterdir() if each.is_dir()),
    "tools": [tool for tool in tools if shutil.which(tool)],
    "pip": importlib.util.find_spec("pip") is not None,
    "components": [each["name"] for each in json.load(open("/opt/medulla/sbom.cdx.json"))["components"]],
}))
"""


@pytest.fixture(scope="module", params=IMAGES)
def image(request: pytest.FixtureRequest, site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of an image, and what a program in it sees."""
    name = str(request.param)
    with strangers.running(site.namespace, f"medulla/{name}:{TAG}") as pod:
        yield name, json.loads(site.namespace.exec(pod, "python", "-c", _LOOK))


def test_an_image_has_its_own_service_alone(image: tuple[str, dict[str, Any]]) -> None:
    name, seen = image
    assert seen["uid"] == 10001
    if name in SERVICES:
        assert [each for each in seen["services"] if each != "__pycache__"] == [name.replace("-", "_")]


def test_an_image_can_neither_install_nor_compile(image: tuple[str, dict[str, Any]]) -> None:
    _, seen = image
    assert seen["tools"] == []
    assert not seen["pip"]


def test_an_image_holds_what_its_lock_lists_and_its_sbom_says_so(image: tuple[str, dict[str, Any]]) -> None:
    name, seen = image
    lock = (CHECKOUT / "docker" / "locks" / f"{name}.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
    held = set(seen["components"])
    assert "medulla" in held
    assert held - {"medulla"} <= locked
