"""Every route of the API stands in the README; tests/integration/test_rest_examples.py runs the examples."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from services import results as package
from services.results.rest import create_app
from tests.support import scores as samples
from tests.support.results import Results

README = (Path(package.__file__).parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def client(results: Results) -> TestClient:
    results.score(samples.score("MB-0042"))
    return TestClient(create_app(results.backends()), base_url="http://127.0.0.1")


def plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0])


def test_every_route_stands_in_the_table(client: TestClient) -> None:
    documented = {plain(path) for path in re.findall(r"`(?:[A-Z]+ )?(/[^` ]+)`", README)}
    routes = {plain(path.removeprefix("/api/v1")) for path in client.get("/api/v1/openapi.json").json()["paths"]}
    assert routes - documented == set()
