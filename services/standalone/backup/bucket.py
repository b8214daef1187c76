"""Objects of the bucket: those that are new since the last backup into parts, and parts back into an empty bucket."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from services.standalone.backup.backup_store import BackupStore
from services.standalone.backup.errors import NotEmptyError
from services.standalone.backup.manifest import Manifest, ObjectCopy
from shared import keys, model_keys
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.errors import TransientError

RESTORING = f"{keys.OPERATIONS}restore.json"
"""Names the backup that a bucket is being restored from."""
PASSED_OVER = (keys.ATTEMPTS, RESTORING)
"""Beginnings of keys that no backup holds: marks of work in flight."""
_WRITTEN_ANEW = (keys.OPERATIONS, keys.ATTEMPTS, keys.ERASED, *model_keys.WRITTEN_ANEW)
"""Beginnings of keys that running services write also into an empty bucket."""
_LARGEST_PART = 64 << 20
"""Bytes: what a thread holds in memory."""
_THREADS = 8
_AT_ONCE = 256
_TRIES = 5
T = TypeVar("T")
R = TypeVar("R")


class Bucket(BlobStore, Protocol):
    """A bucket whose objects may be larger than memory."""

    def part_size(self, info: BlobInfo) -> int:
        """Bytes of the first of the parts in which an object was written."""

    def put_parts(self, key: str, parts: Iterable[bytes]) -> None:
        """Write or replace an object in these parts; nothing is written if one fails."""


@dataclass(frozen=True)
class CopyObjects:
    """Stores the objects of a bucket."""

    bucket: Bucket
    store: BackupStore

    def __call__(self, earlier: Iterable[ObjectCopy], without: Sequence[str]) -> Iterator[ObjectCopy]:
        """Every object, in the order of keys; those of an earlier backup, with the same etag, are not read again.

        One that is deleted meanwhile is left out, one that is replaced is taken as it is then.

        Raises:
            TransientError: bucket or store is down, or an object is replaced faster than it can be read.
        """
        passed_over = (*PASSED_OVER, *(f"{folder}/" for folder in without))
        listed = (info for info in self.bucket.list("") if not info.key.startswith(passed_over))
        joined = _joined(listed, earlier)
        yield from (copy for copy in _in_threads(lambda pair: self._copied(*pair), joined) if copy)

    def _copied(self, info: BlobInfo, before: ObjectCopy | None) -> ObjectCopy | None:
        if before and (before.etag, before.size) == (info.etag, info.size):
            return before
        current: BlobInfo | None = info
        for _ in range(_TRIES):
            if current is None:
                return None
            try:
                return self._read(current)
            except ObjectChangedError:
                current = self.bucket.head(info.key)
        raise TransientError(f"object {info.key!r} was replaced faster than it can be read")

    def _read(self, info: BlobInfo) -> ObjectCopy:
        size = min(max(self.bucket.part_size(info), 1), _LARGEST_PART)
        starts = range(0, info.size, size)
        parts = [self.store.put_part(self.bucket.get_range(info, start, start + size)) for start in starts]
        return ObjectCopy(key=info.key, etag=info.etag, size=info.size, parts=tuple(parts))


@dataclass(frozen=True)
class RestoreObjects:
    """Writes the objects of a backup into a bucket."""

    bucket: Bucket
    store: BackupStore

    def __call__(self, manifest: Manifest) -> Iterator[ObjectCopy]:
        """Every object, once it stands; those that stand already, of a restore that was stopped, are not written again.

        Raises:
            DamagedBackupError: a part is missing or was altered; its object is not written.
        """
        present = _joined(self.store.index(manifest), self.bucket.list(""))
        yield from _in_threads(lambda pair: self._restored(*pair), present)

    def check_empty(self, manifest: Manifest) -> None:
        """Return if the bucket has nothing in the folders of a backup.

        Raises:
            NotEmptyError: it has an object.
        """
        left_out = (*PASSED_OVER, *(f"{folder}/" for folder in manifest.without))
        standing = next((info for info in self.bucket.list("") if not info.key.startswith(left_out)), None)
        if standing:
            raise NotEmptyError(f"the bucket is not empty: it has {standing.key!r}")

    def _restored(self, copy: ObjectCopy, standing: BlobInfo | None) -> ObjectCopy:
        if standing is None or standing.size != copy.size:
            parts = (self.store.part(digest) for digest in copy.parts)
            if len(copy.parts) < 2 and "-" not in copy.etag:
                self.bucket.put(copy.key, b"".join(parts))
            else:
                self.bucket.put_parts(copy.key, parts)
        return copy


def lasting(copies: Iterable[ObjectCopy], without: Sequence[str] = ()) -> int:
    """How many objects no running service writes anew after the bucket was lost, but for some folders."""
    left_out = (*_WRITTEN_ANEW, *(f"{folder}/" for folder in without))
    return sum(not copy.key.startswith(left_out) for copy in copies)


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


K = TypeVar("K", bound=_Keyed)
L = TypeVar("L", bound=_Keyed)


def _joined(items: Iterable[K], others: Iterable[L]) -> Iterator[tuple[K, L | None]]:
    """Each item with the one of the same key, or None; both come in the order of keys."""
    rest = iter(others)
    other = next(rest, None)
    for item in items:
        while other is not None and other.key < item.key:
            other = next(rest, None)
        yield item, other if other is not None and other.key == item.key else None


def _in_threads(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results, in order; some hundred items are read ahead."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="backup") as pool:
        left = iter(items)
        while batch := list(islice(left, _AT_ONCE)):
            yield from pool.map(work, batch)
