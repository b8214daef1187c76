"""Reads files that people name, which may be of any size, or a device without an end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_LONGEST_KEY = 10_000
"""Bytes of a PEM file with one key."""


def read_start(path: Path, most: int) -> bytes:
    """The bytes of a file; of a longer one, the first `most` and one more, by which the caller knows it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(most + 1)


def read_bounded(path: Path, most: int, name: str, refusal: type[Exception]) -> bytes:
    """The bytes of a file of at most `most`; `name` says in the refusal what it is.

    Raises:
        OSError: it cannot be read.
        refusal: it is longer.
    """
    data = read_start(path, most)
    if len(data) > most:
        raise refusal(f"{name} has more than {most} bytes, the most that is allowed")
    return data


def open_plain(path: Path) -> BufferedReader:
    """Open a plain file for reading: neither a link, nor a pipe or device, which may have no end.

    Raises:
        OSError: it is none, or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _not_plain(path) if error.errno in {errno.ELOOP, errno.ENXIO} else error from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    return os.fdopen(descriptor, "rb")


def _not_plain(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is a link, a folder, a pipe or a device, and only plain files are read", str(path))


def read_key(path: Path) -> bytes:
    """The bytes of a key's file; of a longer file its start, which is no key.

    Raises:
        OSError: it cannot be read.
    """
    return read_start(path, _LONGEST_KEY)
