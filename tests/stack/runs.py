"""A folder for each run's data and logs; what a killed run left behind is ended and removed by the next.

`python -m tests.stack.runs` ends and removes it at once.
"""

import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from shared.exit_codes import STOPPED
from tests.stack.home import inside, locked
from tests.stack.leftovers import end_children, end_orphans, folders_in_use, remove_memory
from tests.stack.process import Program
from tests.support.checkout import CHECKOUT

_DATA = "data"
"""Folder in which a program keeps its data, beside its record."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def ended_in_order(main: Callable[[], int]) -> int:
    """Do what a command does; SIGTERM and Ctrl-C end it at once, with what its runs started in any thread.

    Its temporary files are in a folder of its own, so that they go, too.
    """
    with run_folder() as folder:
        tempfile.tempdir = str(folder)
        for sign in _SIGNALS:
            signal.signal(sign, _end_instead)
        return main()


def _end_instead(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Become the program that ends what this one has started: no thread goes on, starts more or complains meanwhile."""
    for sign in _SIGNALS:
        signal.signal(sign, signal.SIG_IGN)
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [sys.executable, "-m", __name__])  # noqa: S606 - our own module


def _main() -> int:
    with locked("runs"):
        _clear_left_behind()
    end_children()
    sys.stderr.write("stopped; what was started has ended\n")
    return STOPPED


def interrupt_on_sigterm() -> None:
    """Raise KeyboardInterrupt on SIGTERM from now on, as Ctrl-C does, so that what is open is closed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder of this run's own, removed at its end.

    Its lock lives as long as we do, so another run can tell that a folder was left behind.
    """
    with locked("runs"):
        _clear_left_behind()
        folder = Path(tempfile.mkdtemp(dir=inside("runs"), prefix="run-"))
        folder.chmod(0o755)
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        _remove(folder)
        lock.close()


def _remove(folder: Path) -> None:
    end_programs(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _clear_left_behind() -> None:
    runs = inside("runs")
    for folder in {*runs.iterdir(), *folders_in_use(runs)}:
        if _is_left_behind(folder):
            _remove(folder)


def _is_left_behind(folder: Path) -> bool:
    lock = folder / "lock"
    if not lock.exists():
        return True
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _recorded(folder: Path) -> list[Program]:
    """Programs started below the folder, the youngest first; they may remove files meanwhile."""
    records = sorted(_records(folder), key=lambda record: record.stat().st_mtime, reverse=True)
    return [Program.recorded(record) for record in records]


def _records(folder: Path) -> Iterator[Path]:
    """Records of programs; their data is left alone, which may be a million files, or change meanwhile."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != _DATA]
        yield from (Path(parent, name) for name in files if name.endswith(".process"))


def running_programs(folder: Path) -> list[Program]:
    """Those of them that run."""
    return [program for program in _recorded(folder) if program.alive]


def end_programs(folder: Path) -> list[str]:
    """Stop every program recorded below the folder, the youngest first; gives the names of those that ran.

    What a program left behind that ended by itself is ended and removed, too.
    """
    running = running_programs(folder)
    for program in _recorded(folder):
        program.stop()
    end_orphans(folder)
    remove_memory(folder)
    return [program.name for program in running]


if __name__ == "__main__":
    sys.exit(_main())
