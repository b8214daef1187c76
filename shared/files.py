"""Writes files on this machine atomically."""

from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Write or replace a file; an interruption at any time leaves the older one, or none."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
