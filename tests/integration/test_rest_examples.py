"""The examples in the README of results: one for each route, and each of them works."""

import os
import re
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.support.checkout import CHECKOUT
from tests.support.rest_api import rest_api

_README = CHECKOUT / "services" / "results" / "README.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r'^curl "?\$MEDULLA(?P<path>[^\s"?]*).*?(?:-X (?P<method>\w+))?$', re.MULTILINE)


def examples() -> str:
    (block,) = _BLOCK.findall(_README.read_text(encoding="utf-8"))
    return str(block)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the examples print."""
    folder = tmp_path_factory.mktemp("examples")
    with rest_api(folder) as address:
        environment = os.environ | {"MEDULLA": address, "TOKEN": "none"}
        command = ["bash", "-euo", "pipefail", "-c", examples()]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_answered(output: str) -> None:
    for words in (
        "CASE_STATE_SCORED",
        '"square_width_px"',
        "schemas.microsoft.com/deepzoom",
        '"intact":true',
        "erasing",
    ):
        assert words in output


def test_every_route_has_an_example(tmp_path: Path) -> None:
    with rest_api(tmp_path) as address:
        described = httpx2.get(f"{address}/api/v1/openapi.json").json()["paths"]
    routes = {(path, method) for path, methods in described.items() for method in methods}
    assert {route for route in routes if not any(_is_of(call, route) for call in calls())} == set()


def calls() -> list[tuple[str, str]]:
    """Path and method of each example."""
    return [(match["path"], (match["method"] or "GET").lower()) for match in _CALL.finditer(examples())]


def _is_of(call: tuple[str, str], route: tuple[str, str]) -> bool:
    pattern = re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(route[0].removeprefix("/api/v1")))
    return call[1] == route[1] and re.fullmatch(pattern, call[0]) is not None
