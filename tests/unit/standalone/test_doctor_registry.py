"""The doctor looks for a release's images in their registry, and never takes "not allowed" for "not there"."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from services.standalone.doctor.chart_images import Image, chart_images
from services.standalone.doctor.findings import State
from services.standalone.doctor.registry import check_images, docker_login
from services.standalone.doctor.values_file import read_values
from tests.support.chart.paths import CI_VALUES

_LOGIN = "bWU6c2VjcmV0"


class _Registry(BaseHTTPRequestHandler):
    """Has medulla/tiler:1; medulla/private to Basic logins, medulla/token to those who fetched a token.

    It sends those who log in for medulla/moved, and those who fetch a token for medulla/away, to another server.
    """

    requests: list[tuple[str, str]]
    other: str

    def do_HEAD(self) -> None:
        sent = self.headers.get("Authorization", "")
        self.requests.append((self.path, sent))
        realm = f"http://127.0.0.1:{self.connection.getsockname()[1]}/token"
        challenge = {
            "private": "" if sent == f"Basic {_LOGIN}" else 'Basic realm="registry"',
            "moved": "" if sent == f"Basic {_LOGIN}" else 'Basic realm="registry"',
            "away": f'Bearer realm="{realm}/away"',
            "token": "" if sent == "Bearer ticket" else f'Bearer realm="{realm}",service="here"',
            "thief": 'Bearer realm="http://localhost.example/token"',
        }.get(self.path.split("/")[3], "")
        if "moved" in self.path and not challenge:
            return self._redirect()
        self.send_response(401 if challenge else 404 if "gone" in self.path else 200)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        return self.end_headers()

    def do_GET(self) -> None:
        self.requests.append((self.path, self.headers.get("Authorization", "")))
        if "away" in self.path and self.other:
            return self._redirect()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"token": "ticket"}).encode())
        return None

    def _redirect(self) -> None:
        self.send_response(307)
        self.send_header("Location", f"http://{self.other}{self.path}")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def _registry(other: str = "") -> Iterator[tuple[str, list[tuple[str, str]]]]:
    requests: list[tuple[str, str]] = []
    fields = {"requests": requests, "other": other}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Registry", (_Registry,), fields)) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", requests
        server.shutdown()


@pytest.mark.parametrize(
    ("repository", "login", "state", "words"),
    [
        ("medulla/tiler", "", State.OK, "has each of 1 images"),
        ("medulla/gone", "", State.MISSING, "is not there: build and push it"),
        ("medulla/private", _LOGIN, State.OK, "has each of 1 images"),
        ("medulla/private", "", State.UNKNOWN, "run `docker login"),
        ("medulla/private", "d3Jvbmc6", State.UNKNOWN, "run `docker login"),
        ("medulla/token", "", State.OK, "has each of 1 images"),
        ("medulla/thief", _LOGIN, State.UNKNOWN, "not HTTPS"),
    ],
)
def test_a_registry_is_asked_as_it_wants_to_be(repository: str, login: str, state: State, words: str) -> None:
    with _registry() as (host, _):
        [finding] = check_images([Image(host, repository, "1")], lambda _: login)
    assert (finding.step, finding.state) == ("registry", state)
    assert words in finding.sentence


def test_a_login_is_sent_only_to_a_registry_that_asks_for_one() -> None:
    with _registry() as (host, requests):
        list(check_images([Image(host, "medulla/tiler", "1")], lambda _: _LOGIN))
    assert requests == [("/v2/medulla/tiler/manifests/1", "")]


@pytest.mark.parametrize("repository", ["medulla/moved", "medulla/away"])
def test_a_redirect_takes_a_login_to_no_other_server(repository: str) -> None:
    with _registry() as (other, requests), _registry(other) as (host, _):
        [finding] = check_images([Image(host, repository, "1")], lambda _: _LOGIN)
    assert requests == []
    assert finding.state is State.UNKNOWN
    assert "307" in finding.sentence


def test_a_registry_that_does_not_answer_is_unknown() -> None:
    with _registry() as (host, _):
        pass
    [finding] = check_images([Image(host, "medulla/tiler", "1")], lambda _: "")
    assert finding.state is State.UNKNOWN


def test_only_what_is_not_there_is_named() -> None:
    with _registry() as (host, _):
        images = [Image(host, f"medulla/{name}", "1") for name in ("tiler", "gone")]
        findings = list(check_images(images, lambda _: ""))
    assert [finding.sentence for finding in findings] == [f"{host}/medulla/gone:1 is not there: build and push it."]


def test_logins_are_those_of_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert docker_login("registry.example") == ""
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example": {"auth": _LOGIN}}}))
    assert docker_login("registry.example") == _LOGIN
    assert docker_login("other.example") == ""


def test_no_registry_is_asked_where_the_values_name_none() -> None:
    laptop = next(path for path in CI_VALUES if path.stem == "laptop")
    assert list(chart_images(read_values(laptop))) == []
