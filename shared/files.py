"""Writes files on this machine atomically."""

from collections.abc import Iterable
from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Write or replace a file; an interruption at any time leaves the older one, or none."""
    put_chunks(path, (content,))


def put_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """Write or replace a file in parts, as `put` does."""
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("wb") as file:
        file.writelines(chunks)
    unfinished.replace(path)
