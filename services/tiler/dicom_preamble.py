"""Opens DICOM files for wsidicom, adding the preamble that some archives leave out without writing a copy."""

import io
import os
from pathlib import Path
from typing import BinaryIO, cast

from typing_extensions import Buffer
from upath import UPath
from wsidicom.file.io.wsidicom_io import WsiDicomReadIO

from shared.slides.dicom import MARK, PREAMBLE

_HEAD = bytes(PREAMBLE - len(MARK)) + MARK
_BLOCK = 1 << 16


def open_dicom(path: Path) -> BinaryIO:
    """Open a file so that it begins with a preamble."""
    return path.open("rb") if _has_mark(path) else cast(BinaryIO, io.BufferedReader(_WithPreamble(path), _BLOCK))


def open_for_wsidicom(path: Path) -> WsiDicomReadIO:
    """The same for wsidicom, which would open a local path again and find no preamble there."""
    stream, name = open_dicom(path), UPath(path) if _has_mark(path) else UPath(f"memory://{path.name}")
    try:
        return WsiDicomReadIO(stream, name)
    except BaseException:
        stream.close()
        raise


def _has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(PREAMBLE).endswith(MARK)


class _WithPreamble(io.RawIOBase):
    """A file's bytes after an added preamble."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._file = path.open("rb", buffering=0)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        if self._at < PREAMBLE:
            part = _HEAD[self._at : self._at + len(view)]
            view[: len(part)] = part
            count = len(part)
        else:
            self._file.seek(self._at - PREAMBLE)
            count = self._file.readinto(view)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        end = PREAMBLE + os.fstat(self._file.fileno()).st_size
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: end}[whence])
        return self._at

    def close(self) -> None:
        self._file.close()
        super().close()
