"""A store whose process is interrupted, and then killed, between its writes below one prefix."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.blob.port import BlobInfo, BlobStore


class KilledError(BaseException):
    """The process is gone: no handler of exceptions sees it."""


@dataclass
class DyingStore:
    """Calls `interrupt` before write `interrupted_at` below `prefix`, and dies once `dies_after` are made there."""

    store: BlobStore
    prefix: str
    interrupt: Callable[[], object]
    interrupted_at: int
    dies_after: int
    written: int = 0
    alive: bool = True

    def put_new(self, key: str, data: bytes) -> bool:
        self._live()
        if not key.startswith(self.prefix):
            return self.store.put_new(key, data)
        if self.written == self.interrupted_at:
            self.interrupt()
        is_new = self.written < self.dies_after and self.store.put_new(key, data)
        self.written += is_new
        self.alive = self.written < self.dies_after
        self._live()
        return is_new

    def head(self, key: str) -> BlobInfo | None:
        self._live()
        return self.store.head(key)

    def get(self, key: str) -> bytes:
        self._live()
        return self.store.get(key)

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        self._live()
        return self.store.get_range(info, start, end)

    def put(self, key: str, data: bytes) -> BlobInfo:
        self._live()
        return self.store.put(key, data)

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        self._live()
        return self.store.replace(info, data)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        self._live()
        return self.store.list(prefix)

    def delete(self, key: str) -> None:
        self._live()
        self.store.delete(key)

    def erase(self, name: str) -> int:
        self._live()
        return self.store.erase(name)

    def _live(self) -> None:
        if not self.alive:
            raise KilledError
