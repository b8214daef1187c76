"""Downloads one object: ranges in parallel, written and hashed in order, checked against the store's checksum."""

import errno
import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from services.tiler.errors import EmptyObjectError, OutOfDiskError
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.units import Sha256

_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Downloader:
    """Downloads with `ahead` parallel ranges of `part_bytes`."""

    blobs: BlobStore
    pool: Executor
    part_bytes: int
    ahead: int

    def fetch(self, info: BlobInfo, path: Path) -> Sha256:
        """Write the object to `path`; returns its digest.

        Raises:
            ObjectChangedError: it was overwritten or deleted meanwhile, or does not match its checksum.
            EmptyObjectError, OutOfDiskError
        """
        if info.size == 0:
            raise EmptyObjectError(f"object {info.key} holds no bytes")
        try:
            digest = self._write(info, path)
        except OSError as error:
            if error.errno in _FULL:
                raise OutOfDiskError(f"no room on disk for {info.key} of {info.size} bytes") from error
            raise
        if info.sha256 and digest != info.sha256:
            raise ObjectChangedError(f"the bytes of {info.key} do not match the checksum that the store states")
        return digest

    def _write(self, info: BlobInfo, path: Path) -> Sha256:
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for part in self._parts(info):
                file.write(part)
                digest.update(part)
        return Sha256(digest.hexdigest())

    def _parts(self, info: BlobInfo) -> Iterator[bytes]:
        """All ranges in order, never more than `ahead` of them in memory."""
        starts = iter(range(0, info.size, self.part_bytes))
        under_way = deque(self._part(info, start) for start in islice(starts, self.ahead))
        try:
            while under_way:
                yield under_way.popleft().result()
                under_way.extend(self._part(info, start) for start in islice(starts, 1))
        finally:
            for part in under_way:
                part.cancel()

    def _part(self, info: BlobInfo, start: int) -> Future[bytes]:
        end = min(start + self.part_bytes, info.size)
        return self.pool.submit(self.blobs.get_range, info, start, end)
