"""What can outlive a program that was killed: processes that it started, and the shared memory between them."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.stack.home import home

MEMORY = Path("/dev/shm")  # noqa: S108 - where the kernel keeps what `memory_prefix` names
_PROCESSES = Path("/proc")


def memory_prefix(folder: Path) -> str:
    """How the names of shared memory begin that a program in the folder makes; tells it from everybody else's."""
    return "medulla" + f"{folder}/".replace("/", "+")


def memory_of(folder: Path) -> list[Path]:
    """The shared memory of programs in the folder and below."""
    return [region for region in MEMORY.iterdir() if region.name.startswith(memory_prefix(folder))]


def remove_memory(folder: Path) -> None:
    """Remove the shared memory of programs in the folder and below; none of them may run."""
    for region in memory_of(folder):
        region.unlink(missing_ok=True)


def end_orphans(folder: Path) -> None:
    """Kill what still works on files below the folder after the program that started it ended."""
    for pid, _ in _working_below(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def end_children() -> None:
    """Kill what this process started and no record names yet, and wait for all that it started."""
    own = _PROCESSES / str(os.getpid())
    for pid in (own / "task" / own.name / "children").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def folders_in_use(parent: Path) -> set[Path]:
    """Folders directly in `parent` on whose files a process works, also those that exist no longer."""
    return {parent / Path(word).relative_to(parent).parts[0] for _, word in _working_below(parent)}


def _working_below(folder: Path) -> Iterator[tuple[int, str]]:
    """Processes of installed programs, with the first word of their command line that lies below the folder."""
    ours, below = f"{home()}/", f"{folder}/"
    for process in _PROCESSES.glob("[0-9]*"):
        program, *words = _command_line(process)
        named = next((word for word in words if word.startswith(below)), None)
        if program.startswith(ours) and named:
            yield int(process.name), named


def _command_line(process: Path) -> list[str]:
    try:
        return os.fsdecode((process / "cmdline").read_bytes()).split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return [""]
