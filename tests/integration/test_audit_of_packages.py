"""`make audit` fails on a locked version that an advisory names, and says so where nothing could be checked."""

import json
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.stack.process import clean_environment, free_ports
from tests.support.checkout import CHECKOUT

_ADVISORY = "GHSA-0000-0000-0000"
_PACKAGE = "pydicom"


def test_a_locked_version_with_an_advisory_fails_and_is_named() -> None:
    version = _locked(_PACKAGE)
    with osv(_PACKAGE, version) as (address, lookups):
        done = _audit(address)
    assert done.returncode != 0
    assert f"{_PACKAGE} {version} has 1 known vulnerability" in done.stdout
    assert _ADVISORY in done.stdout
    assert {(_PACKAGE, version), ("torch", _locked("torch"))} <= lookups


def test_an_advisory_for_another_version_than_the_locked_one_passes() -> None:
    with osv(_PACKAGE, "0.0.1") as (address, lookups):
        done = _audit(address)
    assert done.returncode == 0, done.stderr
    assert _ADVISORY not in done.stdout
    assert (_PACKAGE, _locked(_PACKAGE)) in lookups


def test_a_database_that_cannot_be_reached_is_no_clean_result() -> None:
    address = f"http://127.0.0.1:{free_ports(1)[0]}"
    done = _audit(address)
    assert done.returncode != 0
    assert f"make audit: nothing was checked, as {address} cannot be reached from here" in done.stderr


def _audit(address: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "audit", f"OSV={address}"]
    environment = clean_environment(MAKEFLAGS="", UV_HTTP_RETRIES="0")
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def _locked(name: str) -> str:
    packages = tomllib.loads((CHECKOUT / "uv.lock").read_text())["package"]
    (version,) = (str(package["version"]) for package in packages if package["name"] == name)
    return version


@contextmanager
def osv(package: str, version: str) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """A database in osv.dev's protocol that knows one advisory: its address, and the versions that were looked up."""
    lookups: set[tuple[str, str]] = set()
    fields = {"affected": (package, version), "lookups": lookups}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Osv", (_Osv,), fields)) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", lookups
        server.shutdown()


class _Osv(BaseHTTPRequestHandler):
    """https://google.github.io/osv.dev/post-v1-querybatch/ and https://google.github.io/osv.dev/get-v1-vulns/."""

    affected: tuple[str, str]
    lookups: set[tuple[str, str]]

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        versions = [(query["package"]["name"], query["version"]) for query in queries]
        self.lookups.update(versions)
        hit = {"vulns": [{"id": _ADVISORY, "modified": "2026-01-01T00:00:00Z"}]}
        self._answer({"results": [hit if each == self.affected else {} for each in versions]})

    def do_GET(self) -> None:
        self._answer({"id": self.path.rsplit("/", 1)[1], "modified": "2026-01-01T00:00:00Z", "summary": "A fault."})

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""
