"""Forks a child for each opened slide, and kills it when its owner releases it or dies.

`python -m services.tiler.reader_host FD OPENER`: the host has loaded the readers and is single-threaded, so forking
is fast and safe; the services, which are multi-threaded, never fork.
"""

import os
import selectors
import signal
import socket
import struct
import sys
from importlib import import_module
from typing import Any, NoReturn

from services.tiler import reader_child
from services.tiler.readers import OpenSlide

STATUS = struct.Struct("!i")
"""The status of a child from `os.waitpid`, sent to its owner once it is reaped."""
IMPORTED_LATE = ("upath.implementations.local",)
"""Modules that a library imports once it opens a file: each child would import them anew."""
READY = b"r"


def main(control_fd: int, opener: str) -> int:
    """Fork on request from the other end of `control_fd`, until it is closed."""
    module, _, name = opener.partition(":")
    open_slide: OpenSlide = getattr(import_module(module), name)
    for late in IMPORTED_LATE:
        import_module(late)
    control = socket.socket(fileno=control_fd)
    control.sendall(READY)
    _Host(control, open_slide).run()
    return 0


class _Host:
    """The live children, each with the status socket to its owner."""

    def __init__(self, control: socket.socket, open_slide: OpenSlide) -> None:
        self._control = control
        self._open_slide = open_slide
        self._status_sockets: dict[int, socket.socket] = {}
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until the owner is gone, then kill all children."""
        self._watch_children()
        self._selector.register(self._control, selectors.EVENT_READ)
        while self._turn():
            pass
        for pid in self._status_sockets:
            os.kill(pid, signal.SIGKILL)

    def _watch_children(self) -> None:
        for end in (self._wake, self._woken):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def _turn(self) -> bool:
        """Handle the next events; False if the owner is gone."""
        for key, _ in self._selector.select():
            if key.fileobj is self._woken:
                self._reap()
            elif key.fileobj is self._control:
                if not self._fork():
                    return False
            elif key.data in self._status_sockets:
                os.kill(key.data, signal.SIGKILL)
                self._selector.unregister(key.fileobj)
        return True

    def _fork(self) -> bool:
        message, files, _, _ = socket.recv_fds(self._control, 1, 2)
        if not message:
            return False
        setup_socket, status_socket = (socket.socket(fileno=file) for file in files)
        pid = os.fork()
        if pid == 0:
            self._become_child(setup_socket, status_socket)
        setup_socket.close()
        self._status_sockets[pid] = status_socket
        self._selector.register(status_socket, selectors.EVENT_READ, pid)
        return True

    def _become_child(self, setup_socket: socket.socket, status_socket: socket.socket) -> NoReturn:
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for end in (self._control, self._wake, self._woken, status_socket, *self._status_sockets.values()):
            end.close()
        reader_child.main(setup_socket, self._open_slide)

    def _reap(self) -> None:
        self._woken.recv(4096)
        for pid in list(self._status_sockets):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._report(self._status_sockets.pop(pid), status)

    def _report(self, status_socket: socket.socket, status: int) -> None:
        if status_socket in self._registered():
            self._selector.unregister(status_socket)
        try:
            status_socket.send(STATUS.pack(status))
        except OSError:  # the owner did not wait for it
            pass
        finally:
            status_socket.close()

    def _registered(self) -> set[Any]:
        return {key.fileobj for key in self._selector.get_map().values()}


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
