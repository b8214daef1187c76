"""The doctor asks for the page as a browser would: by its name, and over HTTPS that it trusts."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from services.standalone.doctor.findings import Finding, State
from services.standalone.doctor.route import check_route
from tests.support.certificates import self_signed


class _Page(BaseHTTPRequestHandler):
    body: bytes
    status: int

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/api/v1/config" else 404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def _served(folder: Path, body: bytes = b'{"login": null}', status: int = 200) -> Iterator[str]:
    """A host over HTTPS, by a certificate `tls.crt` in the folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(folder))
    page = type("Page", (_Page,), {"body": body, "status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), page) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _check(host: str, trusted: Path | None = None) -> Finding:
    context = ssl.create_default_context(cafile=trusted) if trusted else None
    [finding] = check_route({"results": {"route": {"host": host}}}, context)
    return finding


def test_the_page_answers_under_its_name(tmp_path: Path) -> None:
    with _served(tmp_path) as host:
        assert _check(host, tmp_path / "tls.crt").state is State.OK


@pytest.mark.parametrize(("body", "status"), [(b"default backend", 404), (b"a page", 200), (b"[]", 200)])
def test_another_program_behind_the_name_is_no_results(tmp_path: Path, body: bytes, status: int) -> None:
    with _served(tmp_path, body, status) as host:
        finding = _check(host, tmp_path / "tls.crt")
    assert finding.state is State.UNKNOWN
    assert "in place of results" in finding.sentence


def test_a_certificate_that_is_not_trusted_is_named(tmp_path: Path) -> None:
    with _served(tmp_path) as host:
        finding = _check(host)
    assert finding.state is State.MISSING
    assert "is not trusted here" in finding.sentence


def test_a_name_without_an_address_and_a_closed_port_are_missing(tmp_path: Path) -> None:
    with _served(tmp_path) as host:
        pass
    assert "does not answer over HTTPS" in _check(host).sentence
    assert "add it to DNS" in _check("medulla.invalid").sentence


def test_nothing_is_asked_without_a_route() -> None:
    assert list(check_route({})) == []
