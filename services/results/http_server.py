"""Serves the REST application as a part of the process."""

import socket
from collections.abc import Callable
from threading import Event, Thread

import uvicorn
from fastapi import FastAPI

from shared.health import BusyAddressError

_DRAIN_SECONDS = 5


class HttpServer:
    """A part; the port is bound at construction, so that a busy one is reported at once.

    `on_stop` is called first when the process ends, to end streams.
    """

    def __init__(self, host: str, port: int, app: FastAPI, on_stop: Callable[[], None] = lambda: None) -> None:
        self._socket = _listen(host, port)
        self._on_stop = on_stop
        self.port = int(self._socket.getsockname()[1])
        """The port in use, also if 0 was requested."""
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_DRAIN_SECONDS
        )
        self._server = uvicorn.Server(config)

    def run(self, stop: Event) -> None:
        """Serve until `stop` is set, finish what is in flight, return."""
        Thread(target=self._end_with, args=(stop,), name="http-stop", daemon=True).start()
        self._server.run(sockets=[self._socket])

    def _end_with(self, stop: Event) -> None:
        stop.wait()
        self._on_stop()
        self._server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise BusyAddressError(f"cannot serve HTTP on {host}:{port}: {error.strerror}") from error
