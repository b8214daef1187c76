"""Reads feature files in a process of its own: the HDF5 library crashes on damaged files, or reads without an end."""

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Self, TypeVar

from services.standalone.errors import refusal
from services.standalone.features.feature_paths import FeaturePath
from shared.errors import CrashedWorkerError, PermanentError

_SLOWEST = 2_000_000
"""Bytes of a file that are read in a second at least."""
_MEMORY_BYTES = 24 << 30
A = TypeVar("A")


@dataclass
class ReadingProcess:
    """Calls functions of a file in one process, which is started anew after a file that ended it."""

    limit_s: float = 60.0
    """For a file of no size; its bytes come on top."""
    _process: SpawnProcess | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)

    def __call__(self, job: Callable[[FeaturePath], A], file: FeaturePath) -> A:
        """What `job` returns of a file.

        Raises:
            CrashedWorkerError: it ended the process, or was read for too long.
            PermanentError: it is refused.
            OSError: no file can be written.
        """
        limit = self.limit_s + file.path.stat().st_size / _SLOWEST
        connection = self._started()
        try:
            connection.send((job, file))
            answer: A | Exception | None = connection.recv() if connection.poll(limit) else None
        except (EOFError, ConnectionError):
            self.close()
            raise CrashedWorkerError("ended the process that read it: it is damaged") from None
        if answer is None:
            self.close()
            raise CrashedWorkerError(f"was not read within {limit:.0f} s: it is damaged, or its disk is too slow")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._connection is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
        self._process = self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> Connection:
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        return self._connection


def _serve(connection: Connection) -> None:
    """Do one job after the other until this process is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the first one ends us
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    for kind, most in {resource.RLIMIT_DATA: _MEMORY_BYTES, resource.RLIMIT_CORE: 0}.items():
        _, allowed = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if allowed == resource.RLIM_INFINITY else min(most, allowed), allowed))
    while True:
        job, file = connection.recv()
        connection.send(_answer(job, file))


def _answer(job: Callable[[FeaturePath], A], file: FeaturePath) -> A | PermanentError | OSError:
    try:
        return job(file)
    except MemoryError:
        return CrashedWorkerError(f"takes more than {_MEMORY_BYTES >> 30} GB of memory to read")
    except Exception as error:  # noqa: BLE001 - any error of a file is its answer
        try:
            return refusal(error)
        except OSError as full:
            return full


def _end_with_the_first() -> None:
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
        os._exit(1)
