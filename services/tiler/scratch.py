"""Slides on scratch disk: one budget for all workers of the process, and a memory of the most recently used."""

import shutil
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Condition, Lock
from typing import Self

from services.tiler.download import Downloader
from services.tiler.errors import SlideTooLargeError
from services.tiler.ports import LocalSlide
from services.tiler.scratch_home import ScratchHome
from services.tiler.settings import ScratchSettings
from shared import keys, metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.canonical import digest_of
from shared.errors import TransientError
from shared.units import Sha256

_MB = 10**6
_Version = tuple[str, str, str]


@dataclass
class _Entry:
    """One version of one slide, being brought or at hand."""

    folder: Path
    size: int
    holders: int = 0
    idle_since: float = 0
    local: LocalSlide | None = None
    bringing: Lock = field(default_factory=Lock)


class Scratch:
    """Slide files brought from the store; idle ones stay for a while, unless their room is needed."""

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
        self._made = 0
        metrics.SCRATCH_LIMIT_BYTES.set(self._budget)

    @contextmanager
    def hold(self, info: BlobInfo) -> Iterator[LocalSlide]:
        """Keep this version of a slide at hand, waiting for room where others fill the budget.

        Raises:
            SlideTooLargeError: it exceeds the whole budget.
            TransientError: no room became free in time.
            ObjectChangedError, EmptyObjectError, OutOfDiskError: see `Downloader`.
        """
        files = [info, *self._companions(info)]
        version = (info.key, info.etag, info.version_id)
        entry = self._enter(version, sum(file.size for file in files))
        try:
            with entry.bringing:
                entry.local = entry.local or self._bring(entry.folder, files)
            yield entry.local
        finally:
            self._leave(version, entry)

    def drop_idle(self) -> None:
        """Remove the slides that nobody has used for `idle_s`."""
        with self._changed:
            until = time.monotonic() - self._idle_s
            for version in [version for version, entry in self._idle() if entry.idle_since <= until]:
                self._drop(version)
            self._changed.notify_all()

    def close(self) -> None:
        """Stop downloads and remove everything."""
        self._pool.shutdown(cancel_futures=True)
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _companions(self, info: BlobInfo) -> Sequence[BlobInfo]:
        slide = keys.slide_key(info.key)
        return list(self._blobs.list(keys.companions(slide))) if slide else []

    def _bring(self, folder: Path, files: Sequence[BlobInfo]) -> LocalSlide:
        base = PurePosixPath(files[0].key).parent
        names = [str(PurePosixPath(file.key).relative_to(base)) for file in files]
        digests = [self._downloader.fetch(file, folder / name) for file, name in zip(files, names, strict=True)]
        return LocalSlide(folder / names[0], whole_digest(dict(zip(names, digests, strict=True))))

    def _enter(self, version: _Version, size: int) -> _Entry:
        if size > self._budget:
            raise SlideTooLargeError(
                f"{version[0]} of {size / _MB:.0f} MB exceeds {self._budget / _MB:.0f} MB of scratch"
            )
        until = time.monotonic() + self._wait_s
        with self._changed:
            while version not in self._entries and not self._make_room(size):
                if not self._changed.wait(until - time.monotonic()):
                    raise TransientError(f"scratch space stayed full for {self._wait_s:g} s")
            entry = self._entries.get(version) or self._add(version, size)
            self._entries.move_to_end(version)
            entry.holders += 1
            return entry

    def _add(self, version: _Version, size: int) -> _Entry:
        self._made += 1
        entry = self._entries[version] = _Entry(self._home.folder / str(self._made), size)
        metrics.SCRATCH_USED_BYTES.set(self._used())
        return entry

    def _make_room(self, size: int) -> bool:
        """Drop idle slides, the least recently used first, until `size` fits."""
        idle = [version for version, _ in self._idle()]
        while self._used() + size > self._budget and idle:
            self._drop(idle.pop(0))
        return self._used() + size <= self._budget

    def _idle(self) -> Iterator[tuple[_Version, _Entry]]:
        return ((version, entry) for version, entry in self._entries.items() if not entry.holders)

    def _used(self) -> int:
        return sum(entry.size for entry in self._entries.values())

    def _leave(self, version: _Version, entry: _Entry) -> None:
        with self._changed:
            entry.holders -= 1
            entry.idle_since = time.monotonic()
            if not entry.holders and entry.local is None:
                self._drop(version)
            self._changed.notify_all()

    def _drop(self, version: _Version) -> None:
        shutil.rmtree(self._entries.pop(version).folder, ignore_errors=True)
        metrics.SCRATCH_USED_BYTES.set(self._used())


def whole_digest(digests: dict[str, Sha256]) -> Sha256:
    """Digest of a slide from those of its files by name: a single file's own, else one over all of them."""
    return next(iter(digests.values())) if len(digests) == 1 else digest_of(digests)
