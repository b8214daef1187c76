"""An object store in memory, for tests and for processes that store nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock

from shared.blob.port import BlobInfo, NoObjectError, ObjectChangedError, is_named


@dataclass(frozen=True, slots=True)
class _Object:
    info: BlobInfo
    data: bytes


class MemoryStore:
    """Objects in a dict; safe to share between threads."""

    def __init__(self) -> None:
        self._objects: dict[str, _Object] = {}
        self._lock = Lock()

    def head(self, key: str) -> BlobInfo | None:
        """Describe the object, or None where there is none."""
        stored = self._objects.get(key)
        return stored.info if stored else None

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        stored = self._objects.get(key)
        if stored is None:
            raise NoObjectError(f"there is no object {key!r}")
        return stored.data

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        """Read bytes [start, end) of exactly the version that `info` describes."""
        stored = self._objects.get(info.key)
        if stored is None or stored.info.etag != info.etag:
            raise ObjectChangedError(f"object {info.key!r} was overwritten or deleted while it was read")
        return stored.data[start:end]

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object that must not exist yet; False, and nothing written, where it does."""
        new = _object(key, data)
        with self._lock:
            return self._objects.setdefault(key, new) is new

    def put(self, key: str, data: bytes) -> BlobInfo:
        """Write or replace an object."""
        new = _object(key, data)
        with self._lock:
            self._objects[key] = new
        return new.info

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        """Write over exactly the version that `info` describes; None, and nothing written, where it is gone."""
        new = _object(info.key, data)
        with self._lock:
            stored = self._objects.get(info.key)
            if stored is None or stored.info.etag != info.etag:
                return None
            self._objects[info.key] = new
        return new.info

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Every object whose key starts with `prefix`, in key order."""
        with self._lock:
            matching = sorted(key for key in self._objects if key.startswith(prefix))
        yield from (info for info in map(self.head, matching) if info)

    def delete(self, key: str) -> None:
        """Remove the object; fine where there is none."""
        with self._lock:
            self._objects.pop(key, None)

    def erase(self, name: str) -> int:
        """Remove an object, or all below a `name` that ends in a slash."""
        with self._lock:
            matching = [key for key in self._objects if is_named(key, name)]
            for key in matching:
                del self._objects[key]
        return len(matching)


def _object(key: str, data: bytes) -> _Object:
    digest = sha256(data).hexdigest()
    return _Object(BlobInfo(key, len(data), digest[:32], datetime.now(UTC), sha256=digest), bytes(data))
