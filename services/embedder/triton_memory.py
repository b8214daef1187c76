"""Memory that this process and a Triton on the same machine both see, so that tiles do not pass through a socket."""

import os
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from services.embedder.manifest import EncoderManifest
from services.embedder.ports import Features, Tiles

TIMEOUT_S = 5.0
"""Deadline of requests about memory; no tiles are embedded meanwhile."""
_PAUSE_S = 0.02
"""Between two requests to let memory go."""
_PROCESS = secrets.token_hex(4)
"""Distinguishes this process from an earlier one with the same pid, as in containers."""
_numbers = count()


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a region; region names are `medulla/{host}/{pid}/{process}/{number}`."""

    host: str
    pid: int
    process: str

    @classmethod
    def this_process(cls) -> "Owner":
        """This process."""
        return cls(socket.gethostname(), os.getpid(), _PROCESS)

    @classmethod
    def of(cls, region: str) -> "Owner | None":
        """The owner of a region; None if it is not Medulla's."""
        match region.split("/"):
            case ["medulla", host, pid, process, _] if pid.isdecimal():
                return cls(host, int(pid), process)
        return None

    @property
    def has_ended(self) -> bool:
        """Whether it was a process of this host that has ended."""
        current = Owner.this_process()
        if self.host != current.host or self == current:
            return False
        return self.pid == current.pid or not _alive(self.pid)


def drop_leftovers(client: InferenceServerClient) -> None:
    """Unregister the regions of killed processes of this host from the server."""
    known = client.get_system_shared_memory_status(client_timeout=TIMEOUT_S).regions
    for name in known:
        owner = Owner.of(name)
        if owner is not None and owner.has_ended:
            client.unregister_system_shared_memory(name, client_timeout=TIMEOUT_S)


class SharedRegion:
    """Room for one request of at most `batch` tiles and its answer; it is registered with the server at its first use.

    The file behind it is unlinked as soon as both have opened it, so that a killed process leaves none.
    """

    def __init__(self, client: InferenceServerClient, manifest: EncoderManifest, batch: int) -> None:
        self._client = client
        self._dim = manifest.dim
        self._tiles_bytes = batch * manifest.input_px**2 * 3
        self._size = self._tiles_bytes + batch * manifest.dim * 4
        self._name = ""
        self._memory: SharedMemory | None = None
        self._dropped: set[str] = set()

    def put(self, tiles: Tiles, request: InferInput, answer: InferRequestedOutput) -> None:
        """Write the tiles; point the request and its answer at this memory."""
        np.ndarray(tiles.shape, np.uint8, buffer=self.open().buf)[:] = tiles
        request.set_shared_memory(self._name, tiles.nbytes)
        answer.set_shared_memory(self._name, len(tiles) * self._dim * 4, offset=self._tiles_bytes)

    def features(self, count: int) -> Features:
        """A copy of the answer, float32 [count, dim]."""
        return np.ndarray((count, self._dim), np.float32, buffer=self.open().buf, offset=self._tiles_bytes).copy()

    def drop(self) -> None:
        """Drop the memory, since the server may still write into it; the next use creates new memory."""
        if self._memory is not None:
            self._dropped.add(self._name)
            self._unregister_dropped()
            self._memory.close()
            self._memory = None

    def release(self, until: float) -> None:
        """Drop the memory in the end, waiting `until` (monotonic): the server may hold it a moment after its answer."""
        self.drop()
        while self._dropped and time.monotonic() < until:
            time.sleep(_PAUSE_S)
            self._unregister_dropped()

    def _unregister_dropped(self) -> None:
        """Unregister dropped memory from the server, which refuses while it works on it; the next call tries again."""
        for name in sorted(self._dropped):
            with suppress(InferenceServerException):
                self._client.unregister_system_shared_memory(name, client_timeout=TIMEOUT_S)
                self._dropped.discard(name)

    def open(self) -> SharedMemory:
        """The memory, registered with the server.

        Raises:
            InferenceServerException: the server cannot open it.
        """
        self._unregister_dropped()
        if self._memory is None:
            self._memory = self._make()
        return self._memory

    def _make(self) -> SharedMemory:
        current = Owner.this_process()
        self._name = f"medulla/{current.host}/{current.pid}/{current.process}/{next(_numbers)}"
        memory = SharedMemory(create=True, size=self._size)
        try:
            key = f"/{memory.name.lstrip('/')}"
            self._client.register_system_shared_memory(self._name, key, self._size, client_timeout=TIMEOUT_S)
        except InferenceServerException:
            memory.close()
            raise
        finally:
            memory.unlink()
        return memory


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
