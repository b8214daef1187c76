"""S3 faults become one clear TransientError, within a deadline."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from shared.blob.port import BlobInfo
from shared.blob.s3 import S3Store
from shared.errors import TransientError
from shared.settings import S3Settings
from shared.times import utc_now

_STATUS = {"": 200, "ConditionalRequestConflict": 409, "NotImplemented": 501}


def _store(port: int, attempts: int = 2) -> S3Store:
    return S3Store(
        S3Settings(
            endpoint_url=f"http://127.0.0.1:{port}",
            access_key_id="a",
            secret_access_key=SecretStr("b"),
            connect_timeout_s=0.5,
            read_timeout_s=0.5,
            max_attempts=attempts,
        )
    )


@contextmanager
def _server(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def _breaks_off(times: int) -> type[BaseHTTPRequestHandler]:
    """Serves `hello`, but closes the connection after `he` for the first `times` requests."""
    remaining = iter(range(times))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.send_header("ETag", '"x"')
            self.end_headers()
            self.wfile.write(b"hello" if next(remaining, None) is None else b"he")

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _answers(status: int, body: bytes = b"") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def test_a_body_that_broke_off_is_read_again() -> None:
    with _server(_breaks_off(times=1)) as port:
        assert _store(port).get("key") == b"hello"


def test_a_body_that_keeps_breaking_off_is_transient() -> None:
    with _server(_breaks_off(times=99)) as port, pytest.raises(TransientError, match="'key' broke off"):
        _store(port).get("key")


def test_a_store_that_is_down_is_transient_and_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match=f"does not answer for 'key' .* at http://127.0.0.1:{port}"):
        _store(port).head("key")
    with pytest.raises(TransientError, match="EndpointConnectionError"):
        list(_store(port).list("a/"))


def test_a_store_that_accepts_but_never_answers_is_transient() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(TransientError, match="ReadTimeoutError"):
            _store(silent.getsockname()[1], attempts=1).get("key")


def test_an_answer_that_is_no_s3_answer_is_transient() -> None:
    with _server(_answers(503)) as port, pytest.raises(TransientError, match="503"):
        _store(port).get("key")


def _puts(*codes: str, versions: str = "") -> type[BaseHTTPRequestHandler]:
    """Answers one PUT after the other with these S3 error codes, or success where the code is empty.

    A HEAD says the next of `versions`, of one letter each.
    """
    remaining, etags = iter(codes), iter(versions)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # answers `Expect: 100-continue`

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            code = next(remaining)
            body = f"<Error><Code>{code}</Code></Error>".encode() if code else b""
            self.send_response(_STATUS.get(code, 412))
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"x"')
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1")
            self.send_header("ETag", f'"{next(etags)}"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def test_a_conflict_of_conditional_writes_is_tried_again() -> None:
    with _server(_puts("ConditionalRequestConflict", "")) as port:
        assert _store(port).put_new("key", b"x")
    with _server(_puts("ConditionalRequestConflict", "PreconditionFailed")) as port:
        assert not _store(port).put_new("key", b"x")
    with (
        _server(_puts("ConditionalRequestConflict", "ConditionalRequestConflict")) as port,
        pytest.raises(TransientError, match="others kept writing"),
    ):
        _store(port, attempts=2).put_new("key", b"x")


def test_a_store_without_conditional_replacement_is_asked_for_the_version_first() -> None:
    info = BlobInfo("key", 1, "x", utc_now())
    with _server(_puts("NotImplemented", "", versions="x")) as port:
        assert _store(port).replace(info, b"y")
    with _server(_puts("NotImplemented", versions="y")) as port:
        assert _store(port).replace(info, b"y") is None
