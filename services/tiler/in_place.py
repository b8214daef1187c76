"""Slides that lie on this machine already, in the folder that serves as store: nothing is copied."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.tiler.errors import EmptyObjectError
from services.tiler.ports import LocalSlide
from services.tiler.scratch import whole_digest
from shared.blob.port import BlobInfo, ObjectChangedError
from shared.units import Sha256


@dataclass(frozen=True)
class SlidesInPlace:
    """Slide files below the root of a folder store."""

    root: Path

    @contextmanager
    def hold(self, info: BlobInfo) -> Iterator[LocalSlide]:
        """Point at the slide's own file.

        Raises:
            EmptyObjectError: it holds no bytes.
            ObjectChangedError: it is gone or of another size.
        """
        path = self.root / info.key
        if not path.is_file() or path.stat().st_size != info.size:
            raise ObjectChangedError(f"object {info.key} is no longer the one that was announced")
        if info.size == 0:
            raise EmptyObjectError(f"object {info.key} holds no bytes")
        yield LocalSlide(path, slide_digest(path))


def slide_digest(path: Path) -> Sha256:
    """Digest of a slide's file and, where it has a folder of its name beside it, of the files in there."""
    folder = path.with_suffix("")
    inside = sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []
    return whole_digest({str(file.relative_to(path.parent)): _digest(file) for file in (path, *inside)})


def _digest(path: Path) -> Sha256:
    with path.open("rb") as file:
        return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
