"""A small HTTPS server whose certificate changes while it runs."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.support.certificates import self_signed


class HttpsServer(ThreadingHTTPServer):
    """Answers each GET with `body`; its certificate, in `ca`, is its own authority."""

    daemon_threads = True

    def __init__(self, folder: Path, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self._folder, self._context = body, folder, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.renew_certificate()
        self.socket = self._context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.ca, self.url = folder / "tls.crt", f"https://127.0.0.1:{self.server_port}"

    def renew_certificate(self) -> None:
        """Show another certificate from the next connection on."""
        self._context.load_cert_chain(*self_signed(self._folder))

    def handle_error(self, *_: Any) -> None:
        """A client that trusts another authority is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: HttpsServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        """Requests are not worth a line."""


@contextmanager
def serving_https(folder: Path, body: bytes) -> Iterator[HttpsServer]:
    """A server until the block ends."""
    with HttpsServer(folder, body) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()
