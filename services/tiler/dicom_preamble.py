"""DICOM files without the preamble that wsidicom asks for."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.slides.dicom import MARK, PREAMBLE


@contextmanager
def with_preamble(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The files as they are, and copies with a preamble of those that have none."""
    bare = {path for path in paths if not _has_mark(path)}
    with TemporaryDirectory(prefix="medulla-dicom-") if bare else nullcontext() as folder:
        copies = {path: _copy(path, Path(folder) / f"{at}.dcm") for at, path in enumerate(bare) if folder}
        yield [copies.get(path, path) for path in paths]


def _has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(PREAMBLE).endswith(MARK)


def _copy(path: Path, copy: Path) -> Path:
    with path.open("rb") as source, copy.open("wb") as target:
        target.write(bytes(PREAMBLE - len(MARK)) + MARK)
        shutil.copyfileobj(source, target, 1 << 20)
    return copy
