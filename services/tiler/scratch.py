"""Slides on scratch disk: one budget for all workers of the process, with least-recently-used eviction."""

import shutil
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from os.path import commonpath
from pathlib import Path, PurePosixPath
from threading import Condition, Lock
from typing import Self

from services.tiler.download import Downloader
from services.tiler.errors import SlideTooLargeError
from services.tiler.in_place import readable_name, starts_as_dicom, whole_digest
from services.tiler.ports import LocalSlide
from services.tiler.scratch_home import ScratchHome
from services.tiler.settings import ScratchSettings
from shared import keys, metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.erased import ErasedCases
from shared.errors import TransientError

_MB = 10**6
_Version = tuple[tuple[str, str, str], ...]
"""Key, etag and version of each file."""


@dataclass
class _Entry:
    """One version of one slide, downloading or on disk."""

    folder: Path
    size: int
    users: int = 0
    idle_since: float = 0
    local: LocalSlide | None = None
    download_lock: Lock = field(default_factory=Lock)


def _version(files: Sequence[BlobInfo]) -> _Version:
    return tuple((info.key, info.etag, info.version_id) for info in files)


class Scratch:
    """Slide files downloaded from the store; idle ones stay for a while, unless their space is needed."""

    def __init__(self, blobs: BlobStore, settings: ScratchSettings) -> None:
        self._blobs = blobs
        self._budget = settings.budget_mb * _MB
        self._wait_s = settings.wait_s
        self._idle_s = settings.idle_s
        self._home = ScratchHome(settings.folder)
        self._pool = ThreadPoolExecutor(settings.connections, "download")
        self._downloader = Downloader(blobs, self._pool, settings.part_mb * _MB, settings.connections)
        self._entries: OrderedDict[_Version, _Entry] = OrderedDict()
        self._changed = Condition()
        self._count = 0
        metrics.SCRATCH_LIMIT_BYTES.set(self._budget)

    def has(self, files: Sequence[BlobInfo]) -> bool:
        """Whether these versions of a slide's files have been downloaded."""
        with self._changed:
            entry = self._entries.get(_version(files))
            return entry is not None and entry.local is not None

    @contextmanager
    def hold(self, files: Sequence[BlobInfo]) -> Iterator[LocalSlide]:
        """Keep these versions of a slide's files on disk; waits while others fill the budget.

        Raises:
            SlideTooLargeError: it exceeds the whole budget.
            TransientError: no space became free in time.
            ObjectChangedError, EmptyObjectError, OutOfDiskError: see `Downloader`.
        """
        version = _version(files)
        entry = self._enter(version, sum(file.size for file in files))
        try:
            with entry.download_lock:
                entry.local = entry.local or self._download(entry.folder, files)
            yield entry.local
        finally:
            self._leave(version, entry)

    def drop_idle(self) -> None:
        """Remove the slides that nobody has used for `idle_s`, and at once those of erased cases."""
        erased = self._erased()
        with self._changed:
            until = time.monotonic() - self._idle_s
            for version in [each for each, entry in self._idle() if entry.idle_since <= until or each in erased]:
                self._drop(version)
            self._changed.notify_all()

    def _erased(self) -> set[_Version]:
        with self._changed:
            versions = list(self._entries)
        cases = ErasedCases(self._blobs)
        return {version for version in versions if cases.holds(keys.named_in(version[0][0]).get("case_id", ""))}

    def close(self) -> None:
        """Stop downloads and remove everything."""
        self._pool.shutdown(cancel_futures=True)
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _download(self, folder: Path, files: Sequence[BlobInfo]) -> LocalSlide:
        base = commonpath([str(PurePosixPath(file.key).parent) for file in files])
        paths = [readable_name(folder / PurePosixPath(file.key).relative_to(base)) for file in files]
        digests = [self._downloader.fetch(file, path) for file, path in zip(files, paths, strict=True)]
        is_series = len(files) > 1 and starts_as_dicom(paths[0])
        return LocalSlide(folder if is_series else paths[0], whole_digest(digests))

    def _enter(self, version: _Version, size: int) -> _Entry:
        if size > self._budget:
            raise SlideTooLargeError(
                f"{version[0][0]} of {size / _MB:.0f} MB exceeds {self._budget / _MB:.0f} MB of scratch"
            )
        until = time.monotonic() + self._wait_s
        with self._changed:
            while version not in self._entries and not self._make_room(size):
                if not self._changed.wait(until - time.monotonic()):
                    raise TransientError(f"scratch space stayed full for {self._wait_s:g} s")
            entry = self._entries.get(version) or self._add(version, size)
            self._entries.move_to_end(version)
            entry.users += 1
            return entry

    def _add(self, version: _Version, size: int) -> _Entry:
        self._count += 1
        entry = self._entries[version] = _Entry(self._home.folder / str(self._count), size)
        metrics.SCRATCH_USED_BYTES.set(self._used())
        return entry

    def _make_room(self, size: int) -> bool:
        """Drop idle slides, the least recently used first, until `size` fits."""
        idle = [version for version, _ in self._idle()]
        while self._used() + size > self._budget and idle:
            self._drop(idle.pop(0))
        return self._used() + size <= self._budget

    def _idle(self) -> Iterator[tuple[_Version, _Entry]]:
        return ((version, entry) for version, entry in self._entries.items() if not entry.users)

    def _used(self) -> int:
        return sum(entry.size for entry in self._entries.values())

    def _leave(self, version: _Version, entry: _Entry) -> None:
        with self._changed:
            entry.users -= 1
            entry.idle_since = time.monotonic()
            if not entry.users and entry.local is None:
                self._drop(version)
            self._changed.notify_all()

    def _drop(self, version: _Version) -> None:
        shutil.rmtree(self._entries.pop(version).folder, ignore_errors=True)
        metrics.SCRATCH_USED_BYTES.set(self._used())
