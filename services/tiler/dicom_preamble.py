"""DICOM files without the preamble that wsidicom asks for."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.slides.dicom import MARK, PREAMBLE


@contextmanager
def with_preamble(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The files as they are, and copies with a preamble of those that have none."""
    with TemporaryDirectory(prefix="medulla-dicom-") as folder:
        yield [path if _has_mark(path) else _copy(path, Path(folder) / f"{at}.dcm") for at, path in enumerate(paths)]


def _has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(PREAMBLE).endswith(MARK)


def _copy(path: Path, copy: Path) -> Path:
    with path.open("rb") as source, copy.open("wb") as target:
        target.write(bytes(PREAMBLE - len(MARK)) + MARK)
        shutil.copyfileobj(source, target, 1 << 20)
    return copy
