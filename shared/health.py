"""Health over HTTP: /livez checks progress of the loops, /readyz the dependencies, /metrics serves Prometheus."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Self

from prometheus_client import REGISTRY
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from shared import logs
from shared.errors import MedullaError

_log = logs.get(__name__)
Check = Callable[[], bool]
"""Whether a dependency answers, within a deadline of its own; a MedullaError counts as no and says why."""
Note = Callable[[], str]
"""A sentence about something that keeps nothing from being ready; empty where there is nothing to say."""


class Heartbeat:
    """A loop's proof that it makes progress; it starts fresh."""

    def __init__(self, name: str, max_age_s: float = 120, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._max_age_s = max_age_s
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """Record that the loop made a round; cheap and safe from any thread."""
        self._last = self._clock()

    @property
    def age_s(self) -> float:
        """Seconds since the last beat."""
        return self._clock() - self._last

    @property
    def fresh(self) -> bool:
        """Whether the last beat is younger than the maximum."""
        return self.age_s <= self._max_age_s


class LastingYes:
    """A check whose yes holds for a minute, as a store may charge for each question; a no is asked again at once."""

    def __init__(self, check: Check, seconds: float = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._seconds = seconds
        self._clock = clock
        self._until = float("-inf")

    def __call__(self) -> bool:
        """The answer.

        Raises:
            MedullaError: as the check does.
        """
        if (now := self._clock()) >= self._until:
            self._until = now + self._seconds if self._check() else float("-inf")
        return self._until > now


class BusyAddressError(MedullaError):
    """An address cannot be listened on: it is in use, not this machine's, or not allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, content type and body of one response."""

    status: HTTPStatus
    content_type: str
    body: bytes

    @classmethod
    def of(cls, failing: Mapping[str, str], notes: Mapping[str, str] | None = None) -> Self:
        """503 and what fails, or 200; and notes, if any, about what a person should know all the same."""
        status = HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK
        content = {"ok": not failing, "failing": failing, **({"notes": notes} if notes else {})}
        return cls(status, "application/json", json.dumps(content).encode())


class HealthServer:
    """Serves /livez, /readyz and /metrics on a thread of its own, inside a `with` block.

    Live: every heartbeat is fresh. Ready: also every check passes. Both answer 200, or 503 and what fails; /readyz
    also each note that is not empty.
    """

    def __init__(
        self,
        host: str,
        port: int,
        heartbeats: Sequence[Heartbeat] = (),
        checks: Mapping[str, Check] | None = None,
        notes: Mapping[str, Note] | None = None,
    ) -> None:
        self._heartbeats = heartbeats
        self._checks = checks or {}
        self._notes = notes or {}
        self._known_to_fail: set[str] = set()
        try:
            self._server = _Server((host, port), self.answer)
        except OSError as error:
            raise BusyAddressError(f"cannot serve health on {host}:{port}: {error.strerror}") from error
        self.port = int(self._server.server_address[1])
        """The port in use, also if 0 was requested."""

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="health", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> Answer:
        """What a GET of `path` gets."""
        if path == "/livez":
            return Answer.of(self._stale())
        if path == "/readyz":
            notes = {name: sentence for name, note in self._notes.items() if (sentence := note())}
            return Answer.of(self._logged(self._stale() | self._failing()), notes)
        if path == "/metrics":
            return Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
        return Answer(HTTPStatus.NOT_FOUND, "text/plain", b"try /livez, /readyz or /metrics\n")

    def _logged(self, failing: dict[str, str]) -> dict[str, str]:
        """What fails; logs each change, since nobody reads the response of a probe."""
        if failing.keys() != self._known_to_fail:
            self._known_to_fail = set(failing)
            (_log.warning if failing else _log.info)("not ready" if failing else "ready", failing=failing)
        return failing

    def _stale(self) -> dict[str, str]:
        return {beat.name: f"no progress for {beat.age_s:.0f} s" for beat in self._heartbeats if not beat.fresh}

    def _failing(self) -> dict[str, str]:
        return {name: why for name, check in self._checks.items() if (why := _why_not(check))}


def _why_not(check: Check) -> str:
    try:
        return "" if check() else "not ready"
    except MedullaError as error:
        return str(error) or type(error).__name__


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        super().__init__(address, _Handler)

    def handle_error(self, *_: object) -> None:
        """One line; none for a caller that hung up, as probes do after their timeout."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            _log.error("a health request failed", error=type(error).__name__, sentence=str(error))


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[float] = 10

    def do_GET(self) -> None:
        """Answer one request."""
        answer = self.server.answer(self.path.partition("?")[0])
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        """Probes are not worth a line."""
