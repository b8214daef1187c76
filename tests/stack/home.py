"""The folder outside the checkout that keeps what was installed, so that a fresh clone need not fetch it again."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class StackError(Exception):
    """What keeps a real part from being installed or started, in a sentence for people."""


class MissingPartError(StackError):
    """A part is not on this machine; the sentence says how to get it."""


def home() -> Path:
    """The folder, made on first use.

    Raises:
        StackError: it belongs to somebody else, who could change what we run.
    """
    path = Path(os.environ.get("MEDULLA_HOME") or f"/var/tmp/medulla-{os.getuid()}")  # noqa: S108 - the owner is checked
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise StackError(f"{path} belongs to somebody else; set MEDULLA_HOME to a folder of your own.")
    return path


def inside(*names: str) -> Path:
    """A folder in it, made when it is missing and reachable by other users (PostgreSQL never runs as root)."""
    path = home().joinpath(*names)
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    return path


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name`, shared by all processes that use this home, while the body runs."""
    with (inside("locks") / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install_once(name: str, build: Callable[[Path], None]) -> Path:
    """The folder `name` as `build` fills it; whole or absent, whoever else installs or is killed meanwhile."""
    target = home() / name
    if target.is_dir():
        return target
    with locked(name):
        if not target.is_dir():
            _build_aside(target, build)
    return target


def _build_aside(target: Path, build: Callable[[Path], None]) -> None:
    scratch = Path(tempfile.mkdtemp(dir=inside("partial"), prefix=f"{target.name}-"))
    try:
        folder = scratch / target.name
        folder.mkdir(mode=0o755)
        build(folder)
        folder.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def installed(name: str) -> bool:
    """Whether the folder `name` stands; waits for a process that is just installing it."""
    target = home() / name
    if not target.is_dir():
        with locked(name):
            pass
    return target.is_dir()
