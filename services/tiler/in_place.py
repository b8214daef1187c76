"""Slides on this machine's disk; nothing is copied."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.tiler.errors import EmptyObjectError
from services.tiler.ports import LocalSlide
from shared.blob.port import BlobInfo, ObjectChangedError
from shared.canonical import digest_of
from shared.slides.dicom import PREAMBLE, is_dicom
from shared.units import Sha256

_MIRAX = ".mrxs"


@dataclass(frozen=True)
class SlidesInPlace:
    """Slide files below the root of a folder store."""

    root: Path

    def has(self, files: Sequence[BlobInfo]) -> bool:  # noqa: ARG002 - as the protocol has it
        """True: they lie where they are read."""
        return True

    @contextmanager
    def hold(self, files: Sequence[BlobInfo]) -> Iterator[LocalSlide]:
        """The slide's own files.

        Raises:
            EmptyObjectError: a file is empty.
            ObjectChangedError: a file is missing or of another size.
        """
        paths = [self._path(info) for info in files]
        with at_hand(paths) as path:
            yield LocalSlide(path, slide_digest(paths))

    def _path(self, info: BlobInfo) -> Path:
        path = self.root / info.key
        if not path.is_file() or path.stat().st_size != info.size:
            raise ObjectChangedError(f"object {info.key} is no longer the one that was announced")
        if info.size == 0:
            raise EmptyObjectError(f"object {info.key} holds no bytes")
        return path


@contextmanager
def at_hand(files: Sequence[Path]) -> Iterator[Path]:
    """The path to open: the primary file, or for a DICOM series a folder of links to all files."""
    is_series = len(files) > 1 and starts_as_dicom(files[0])
    if not is_series and readable_name(files[0]) == files[0]:
        yield files[0]
        return
    with TemporaryDirectory(prefix="medulla-slide-") as folder:
        yield _link_series(Path(folder), files) if is_series else _link_mirax(Path(folder), files[0])


def _link_series(folder: Path, files: Sequence[Path]) -> Path:
    for number, file in enumerate(files):
        (folder / f"{number:05d}.dcm").symlink_to(file.resolve())
    return folder


def _link_mirax(folder: Path, file: Path) -> Path:
    link = folder / readable_name(file).name
    link.symlink_to(file.absolute())
    link.with_suffix("").symlink_to(file.with_suffix("").absolute())
    return link


def readable_name(path: Path) -> Path:
    """The same path, with the suffix of a MIRAX slide in lower case: OpenSlide reads no other."""
    return path.with_suffix(_MIRAX) if path.suffix.lower() == _MIRAX else path


def starts_as_dicom(path: Path) -> bool:
    """Whether a file starts as DICOM does."""
    with path.open("rb") as file:
        return is_dicom(file.read(PREAMBLE))


def slide_digest(files: Sequence[Path]) -> Sha256:
    """Digest of a slide from its files."""
    return whole_digest([_digest(file) for file in files])


def whole_digest(digests: Sequence[Sha256]) -> Sha256:
    """Digest of a slide from those of its files: a single file's own, else one over all in their order."""
    return digests[0] if len(digests) == 1 else digest_of(sorted(digests))


def _digest(path: Path) -> Sha256:
    with path.open("rb") as file:
        return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
