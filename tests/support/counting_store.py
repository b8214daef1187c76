"""Counts the requests that a store gets, as S3 would: a listing costs one for each page."""

from collections import Counter
from collections.abc import Iterator

from shared.blob.port import BlobInfo, BlobStore

PAGE = 1000
"""Objects on a page of a listing."""


class CountingStore:
    """Passes everything on to another store; `requests` counts them by method."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self.requests = Counter[str]()

    def head(self, key: str) -> BlobInfo | None:
        self.requests["head"] += 1
        return self._store.head(key)

    def get(self, key: str) -> bytes:
        self.requests["get"] += 1
        return self._store.get(key)

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        self.requests["get"] += 1
        return self._store.get_range(info, start, end)

    def put_new(self, key: str, data: bytes) -> bool:
        self.requests["put"] += 1
        return self._store.put_new(key, data)

    def put(self, key: str, data: bytes) -> BlobInfo:
        self.requests["put"] += 1
        return self._store.put(key, data)

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        self.requests["put"] += 1
        return self._store.replace(info, data)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        self.requests["list"] += 1
        for listed, info in enumerate(self._store.list(prefix)):
            if listed and listed % PAGE == 0:
                self.requests["list"] += 1
            yield info

    def delete(self, key: str) -> None:
        self.requests["delete"] += 1
        self._store.delete(key)

    def erase(self, name: str) -> int:
        self.requests["erase"] += 1
        return self._store.erase(name)
