"""Starts and ends the processes that read slides: one host, which forks a child for each open slide."""

import signal
import socket
import subprocess
import sys
from contextlib import suppress
from threading import Event, Lock
from types import TracebackType
from typing import Self

from services.tiler.reader_host import READY, STATUS
from shared.child_process import environment
from shared.errors import CrashedWorkerError, TransientError

OPENER = f"{__package__}.readers:open_slide"
_HOST = f"{__package__}.reader_host"
_START_S = 120
"""How long the host may take to load the readers."""
_END_S = 10
"""How long the kernel may take to end a process."""


class StoppingError(TransientError):
    """This process is stopping; another one will read the slide."""

    def __init__(self) -> None:
        super().__init__("the slide is read again later, because this process ends")


class ReaderChild:
    """A process for one slide. It lives until `end` or `release`, or until this process ends."""

    def __init__(self, setup_socket: socket.socket, status_socket: socket.socket, stopping: Event) -> None:
        self.setup_socket = setup_socket
        self._status_socket = status_socket
        self._stopping = stopping
        self._lock = Lock()
        self._status: int | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether this process ends its host, and therefore the child."""
        return self._stopping.is_set()

    def end(self) -> int:
        """Kill the process if it is alive, and wait for it; returns its status from `os.waitpid`."""
        with self._lock:
            if self._status is None:
                self.setup_socket.close()
                self._status = self._ended()
            return self._status

    def release(self) -> None:
        """Have the host kill the process, without waiting for it."""
        with self._lock:
            if self._status is None:
                self.setup_socket.close()
                self._status_socket.close()
                self._status = signal.SIGKILL

    def _ended(self) -> int:
        """The host kills a child whose status socket is closed, and reports its status even if it ended earlier."""
        self._status_socket.settimeout(_END_S)
        with self._status_socket, suppress(OSError):
            self._status_socket.shutdown(socket.SHUT_WR)
            status = self._status_socket.recv(STATUS.size)
            if len(status) == STATUS.size:
                return int(STATUS.unpack(status)[0])
        return signal.SIGKILL


class ReaderHost:
    """The process that forks the children; started at once, and again if it ends.

    `opener`, as module:function, is what opens slides in the children.
    """

    def __init__(self, opener: str = OPENER) -> None:
        self._opener = opener
        self._lock = Lock()
        self._ready = False
        self._stopping = Event()
        self._process, self._control = self._started()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def fork(self) -> ReaderChild:
        """Start a process for one slide.

        Raises:
            CrashedWorkerError: the host does not start.
            StoppingError: this process is stopping.
        """
        setup_socket, child_setup_socket = socket.socketpair()
        status_socket, host_status_socket = socket.socketpair()
        with child_setup_socket, host_status_socket:
            self._send([child_setup_socket.fileno(), host_status_socket.fileno()])
        return ReaderChild(setup_socket, status_socket, self._stopping)

    def close(self) -> None:
        """End the host and all of its children."""
        self._stopping.set()
        self._end_host()

    def _end_host(self) -> None:
        self._control.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _send(self, files: list[int]) -> None:
        with self._lock:
            if self._stopping.is_set():
                raise StoppingError
            if self._process.poll() is not None:
                self._end_host()
                self._process, self._control = self._started()
                self._ready = False
            try:
                self._wait_until_ready()
                socket.send_fds(self._control, [b"f"], files)
            except OSError as error:
                raise CrashedWorkerError("the process that starts readers of slides does not start") from error

    def _wait_until_ready(self) -> None:
        if not self._ready:
            self._control.settimeout(_START_S)
            if self._control.recv(len(READY)) != READY:
                raise BrokenPipeError
            self._ready = True

    def _started(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Start the host in a session of its own, so that Ctrl-C in a terminal lets slides in work finish."""
        ours, hosts = socket.socketpair()
        with hosts:
            process = subprocess.Popen(  # noqa: S603 - this very interpreter
                [sys.executable, "-P", "-m", _HOST, str(hosts.fileno()), self._opener],
                pass_fds=[hosts.fileno()],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return process, ours
