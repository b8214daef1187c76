"""A port of a pod on this machine's loopback, which is opened again when its pod has ended."""

import re
import subprocess
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar
from urllib.error import HTTPError

from botocore.exceptions import BotoCoreError, ClientError

from tests.stack.home import StackError
from tests.support.cluster.kubernetes import Namespace, until

T = TypeVar("T")
_GONE = (OSError, BotoCoreError, StackError)
"""What a request meets while the pod behind it is away."""


class Forward:
    """`kubectl port-forward` to a target such as `deployment/medulla-results`, as long as somebody asks."""

    def __init__(self, namespace: Namespace, target: str, port: int) -> None:
        self._command = ["kubectl", "--namespace", namespace.name, "port-forward", target, f":{port}"]
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self._lock = threading.RLock()

    def call(self, ask: Callable[[str], T], seconds: float = 120) -> T:
        """What `ask` gives for the address `host:port`; asked again while nothing answers, or 503.

        Raises:
            StackError: nothing answered in time.
        """
        answers: list[T] = []

        def missing() -> str:
            try:
                answers.append(ask(self._address()))
            except (HTTPError, ClientError) as error:
                if _status(error) != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                return str(error)
            except _GONE as error:
                self.close()
                return f"{type(error).__name__}: {error}"
            return ""

        until(f"{self._command[-2]} to answer", missing, seconds, 0.5)
        return answers[0]

    def _address(self) -> str:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._open()
            return f"127.0.0.1:{self._port}"

    def _open(self) -> None:
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = process.stdout.readline() if process.stdout else ""
        address = re.search(r"127\.0\.0\.1:(\d+)", line)
        if address is None:
            process.kill()
            process.wait()
            raise StackError(f"{' '.join(self._command)} does not forward")
        self._process, self._port = process, int(address[1])
        threading.Thread(target=_drain, args=(process,), daemon=True).start()

    def close(self) -> None:
        """End it; the next call opens it again."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._process = None


def _status(error: HTTPError | ClientError) -> int:
    """HTTP status of a refusal."""
    return error.code if isinstance(error, HTTPError) else int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def _drain(process: subprocess.Popen[str]) -> None:
    """Read what kubectl says of each connection, so that it never waits for us."""
    if process.stdout:
        for _ in process.stdout:
            pass
