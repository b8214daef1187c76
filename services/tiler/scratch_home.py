"""A process's own folder in scratch space, locked while the process lives; those of dead processes are removed."""

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import Self

_LOCK = ".lock"


class ScratchHome:
    """A new folder below `root`; the kernel releases its lock when the process ends in any way."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        clean(root)
        self.folder, self._lock = _settle(root)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.with_suffix(_LOCK).unlink(missing_ok=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def clean(root: Path) -> None:
    """Remove the folders of dead processes below `root`."""
    for path in root.glob("*" + _LOCK):
        descriptor = os.open(path, os.O_RDWR)
        try:
            if _locked(descriptor):
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _settle(root: Path) -> tuple[Path, int]:
    """Take a new lock and make its folder; again, if another process removed it before it was locked."""
    while True:
        folder = root / f"{os.getpid()}-{secrets.token_hex(4)}"
        path = folder.with_suffix(_LOCK)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if _locked(descriptor) and path.exists():
            folder.mkdir()
            return folder, descriptor
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
