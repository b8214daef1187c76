"""Reads files that people name, which may be of any size, or a device without an end."""

from pathlib import Path


def read_start(path: Path, most: int) -> bytes:
    """The bytes of a file; of a longer one, the first `most` and one more, by which the caller knows it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(most + 1)
