"""Files on this machine that are there whole or not at all."""

from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Write a file, in place of an older one; a stop at any moment leaves the older one, or none."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
