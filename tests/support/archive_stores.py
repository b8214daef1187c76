"""Buckets for tests of the archive: a writer that is killed, and a run that is interrupted."""

from collections.abc import Callable

from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo


class KilledError(Exception):
    """Stands for the end of the process."""


class KilledStore(MemoryStore):
    """A bucket whose writer is killed once the object stands."""

    def put(self, key: str, data: bytes) -> BlobInfo:
        super().put(key, data)
        raise KilledError


class InterruptedStore(MemoryStore):
    """A bucket in which something else happens once, before a file is written or read."""

    between: Callable[[], object] | None = None

    def put(self, key: str, data: bytes) -> BlobInfo:
        self._interrupt()
        return super().put(key, data)

    def get(self, key: str) -> bytes:
        self._interrupt()
        return super().get(key)

    def _interrupt(self) -> None:
        between, self.between = self.between, None
        if between:
            between()
