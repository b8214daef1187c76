"""The running images: without root, one service each, what its lock lists, nothing to install or compile with."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.chart.locks import locked_here
from tests.support.checkout import CHECKOUT
from tests.support.cluster import strangers
from tests.support.cluster.images import IMAGES, TAG
from tests.support.cluster.site import Site

_LOOK = """
import importlib, json, os, pathlib, pkgutil, shutil, sys, services
def fails(module):
    try:
        importlib.import_module(module)
    except ImportError as error:
        return str(error)
tools = ("pip", "pip3", "gcc", "cc", "make", "ld")
own = importlib.import_module("services." + sys.argv[1])
modules = [each.name for each in pkgutil.walk_packages(own.__path__, own.__name__ + ".")]
bill = json.load(open("/opt/medulla/sbom.cdx.json"))
print(json.dumps({
    "uid": os.getuid(),
    "services": sorted(each.name for each in pathlib.Path(services.__path__[0]).iterdir() if each.is_dir()),
    "tools": [tool for tool in tools if shutil.which(tool)],
    "missing": {each: said for each in modules if (said := fails(each))},
    "modules": [each for each in ("pip", "torch") if not fails(each)],
    "packages": [each["purl"].partition("@")[0] for each in bill["components"]],
}))
"""

_PIN = re.compile(r"[\w.-]+==")
_OF_TORCH = ("evaluated_cohort", "finetuned_encoder", "training_copies")
_OF_ENCODERS = (
    "conch",
    "ctranspath",
    "networks",
    "onnx_model",
    "pooling",
    "prepared",
    "torch_export",
    "weights",
)
"""Make an encoder out of weights, with torch, timm and onnx_ir."""
_RUN_ELSEWHERE = {
    "embedder": {"services.embedder.triton_model"},
    "standalone": {
        *(f"services.standalone.{each}" for each in _OF_TORCH),
        *(f"services.standalone.encoders.{each}" for each in _OF_ENCODERS),
    },
}
"""Modules that an image does not run: Triton does, or whoever has the trainer's packages beside the command."""


@pytest.fixture(scope="module", params=IMAGES)
def image(request: pytest.FixtureRequest, site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of an image, and what a program in it sees."""
    name = str(request.param)
    with strangers.running(site.namespace, f"medulla/{name}:{TAG}") as pod:
        yield name, json.loads(site.namespace.exec(pod, "python", "-c", _LOOK, name.replace("-", "_")))


def test_an_image_has_its_own_service_alone(image: tuple[str, dict[str, Any]]) -> None:
    name, report = image
    assert report["uid"] == 10001
    own = {"standalone": None, "trainer": {"embedder", "trainer"}}.get(name, {name.replace("-", "_")})
    assert own is None or set(report["services"]) - {"__pycache__"} == own


def test_an_image_can_neither_install_nor_compile(image: tuple[str, dict[str, Any]]) -> None:
    _, report = image
    assert report["tools"] == []
    assert "pip" not in report["modules"]


def test_everything_that_a_service_imports_is_in_its_image(image: tuple[str, dict[str, Any]]) -> None:
    name, report = image
    assert set(report["missing"]) == _RUN_ELSEWHERE.get(name, set())


def test_torch_is_in_the_trainers_image_alone(image: tuple[str, dict[str, Any]]) -> None:
    name, report = image
    assert ("torch" in report["modules"]) == (name == "trainer")


def test_an_image_holds_what_its_lock_lists_and_its_sbom_says_so(image: tuple[str, dict[str, Any]]) -> None:
    name, report = image
    held = set(report["packages"])
    assert "pkg:deb/debian/libssl3" in held
    assert {each for each in held if each.startswith("pkg:pypi/")} == {
        f"pkg:pypi/{package}" for package in ("medulla-risk", *locked_here(name))
    }


def test_tritons_image_holds_what_its_locks_list_and_its_sbom_says_so(site: Site) -> None:
    with strangers.running(site.namespace, f"medulla/triton:{TAG}-cpu") as pod:
        bill = json.loads(site.namespace.exec(pod, "cat", "/opt/medulla/sbom.cdx.json"))
    held = {each["purl"].partition("?")[0] for each in bill["components"]}
    locks = [(CHECKOUT / "docker" / "triton" / name).read_text() for name in ("cpu-server.txt", "cpu-model.txt")]
    pinned = [line.split()[0] for lock in locks for line in lock.splitlines() if _PIN.match(line)]
    assert {each for each in held if each.startswith("pkg:pypi/")} == {
        f"pkg:pypi/{pin.replace('==', '@')}" for pin in pinned
    }
    assert any(each.startswith("pkg:deb/debian/libc6@") for each in held)
