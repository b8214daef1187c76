"""Watches a folder used as bucket, and announces created, replaced and removed files as an object store does."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.blob.port import BlobInfo, BlobStore
from shared.bus.port import Producer, Record
from shared.bus.s3_events import announcement
from shared.home import Home
from shared.incidents import contained

_SETTLED_S = 2.0
"""A file that is unchanged for this long is complete."""


@dataclass
class _FileVersion:
    """One version of a file."""

    etag: str
    since: float
    """Monotonic seconds."""
    announced: bool = False


def _none(_: str) -> bool:
    return False


@dataclass
class FolderWatch:
    """Announces each version of each file below `prefix` once it has settled, and the removal of each announced file.

    A version settles by the time it was seen unchanged, never by the date of the file, which may be wrong. The bus is
    in memory, so everything is announced again at start; the handlers skip finished work. A file of an erased case is
    announced when the erasure is lifted.
    """

    store: BlobStore
    producer: Producer
    home: Home
    prefix: str
    now: Callable[[], float] = time.monotonic
    is_erased: Callable[[str], bool] = _none
    """Whether a key is one of an erased case."""
    _versions: dict[str, _FileVersion] = field(default_factory=dict)

    def __call__(self) -> int:
        """Scan once; returns the number of announced changes."""
        versions = {info.key: self._version(info) for info in self.store.list(self.prefix)}
        removed = self._versions.keys() - versions.keys()
        records = [*self._settled(versions), *(record for key in removed for record in self._record(key, removed=True))]
        self.producer.send(records)
        self._versions = versions
        return len(records)

    def _version(self, info: BlobInfo) -> _FileVersion:
        previous = self._versions.get(info.key)
        return previous if previous is not None and previous.etag == info.etag else _FileVersion(info.etag, self.now())

    def _settled(self, versions: Mapping[str, _FileVersion]) -> Iterator[Record]:
        for key, version in versions.items():
            if not version.announced and self.now() - version.since >= _SETTLED_S and not self.is_erased(key):
                version.announced = True
                yield from self._record(key, version.etag)

    def _record(self, key: str, etag: str = "", *, removed: bool = False) -> Sequence[Record]:
        """The announcement of a file; empty if its name is not valid text."""
        with contained("folder watch"):
            return [announcement(self.home, key, etag, removed=removed)]
        return []
