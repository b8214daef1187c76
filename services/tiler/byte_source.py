"""The bytes of one file of a slide, wherever it lies: on this machine's disk, or in the bucket."""

import io
import os
from pathlib import Path
from typing import Protocol

from typing_extensions import Buffer


class ByteSource(Protocol):
    """Random access to a file. Safe to use from several threads."""

    name: str
    path: Path | None
    """The file, where it lies on this machine."""
    size: int
    """Bytes."""

    def read(self, at: int, size: int) -> bytes:
        """Read bytes [at, at + size); fewer where the file ends."""

    def close(self) -> None:
        """Release what is open."""


class LocalBytes:
    """A file on this machine's disk."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.path: Path | None = path
        self._file = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._file).st_size

    def read(self, at: int, size: int) -> bytes:
        """Read bytes [at, at + size); fewer where the file ends."""
        return os.pread(self._file, size, at)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class SourceStream(io.RawIOBase):
    """A seekable stream over a source, after an added `head`; its owner closes the source."""

    def __init__(self, source: ByteSource, head: bytes = b"") -> None:
        self.name = source.name
        self._source = source
        self._head = head
        self._at = 0

    def readable(self) -> bool:
        """See RawIOBase."""
        return True

    def seekable(self) -> bool:
        """See RawIOBase."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """See RawIOBase."""
        view = memoryview(buffer).cast("B")
        head = len(self._head)
        if self._at < head:
            data = self._head[self._at : self._at + len(view)]
        else:
            data = self._source.read(self._at - head, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See RawIOBase."""
        end = len(self._head) + self._source.size
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: end}[whence])
        return self._at
