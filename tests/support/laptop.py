"""`medulla up` as a process on a folder, and requests to it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from tests.stack.process import clean_environment, free_ports
from tests.support import slides
from tests.support.checkout import CHECKOUT
from tests.support.installation import CLINICAL
from tests.support.polling import wait_for

PATIENCE_S = 90.0
DEMO_CASE = "DEMO-001"
DEMO_SLIDE = "cmu-1-small-region.svs"


class Laptop:
    """A running `medulla up` on a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def address(self, path: str) -> str:
        """The URL of a path, which begins with a slash."""
        return f"http://127.0.0.1:{self.port}{path}"

    def land(self, key: str, data: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def get(self, path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return dict(json.load(answer))
        except (URLError, OSError):
            return {}

    def fetch(self, path: str) -> bytes:
        """Empty where there is nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return bytes(answer.read())
        except (URLError, OSError):
            return b""

    def post(self, path: str, body: object) -> dict[str, Any]:
        """The answer to a JSON body, or the problem."""
        data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data, timeout=30) as answer:
                return dict(json.load(answer))
        except HTTPError as problem:
            return dict(json.load(problem))

    def delete(self, path: str) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("DELETE", path)
        return connection.getresponse().status

    def score(self, case_id: str) -> dict[str, Any]:
        return dict(self.get(f"/api/v1/cases/{case_id}").get("score", {}))


@contextmanager
def laptop(folder: Path, *options: str, end_s: float = PATIENCE_S) -> Iterator[Laptop]:
    """A `medulla up` that runs inside the block, and must end within `end_s` of Ctrl-C."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "services.standalone", "up", "--watch", str(folder), "--port", str(port), *options]
    with subprocess.Popen(command, cwd=CHECKOUT, env=clean_environment(), stderr=subprocess.PIPE) as process:
        try:
            running = Laptop(folder, port)
            assert wait_for(lambda: "cases" in running.get("/api/v1/cases"), PATIENCE_S)
            yield running
        finally:
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(timeout=end_s) == 0


@contextmanager
def demo_laptop(folder: Path) -> Iterator[Laptop]:
    """A `medulla up` that has scored slide and record of the demo."""
    with laptop(folder) as running:
        running.land(f"slides/{DEMO_CASE}/{DEMO_SLIDE}", slides.cc0_bytes())
        running.land(f"clinical/{DEMO_CASE}.json", CLINICAL.read_bytes())
        assert wait_for(lambda: running.score(DEMO_CASE).get("model") == "fused", PATIENCE_S)
        yield running
