"""Processes and those that descend from them, as the kernel lists them."""

from collections.abc import Collection
from pathlib import Path

from tests.stack.process import Program

_PROC = Path("/proc")
_PARENT = 1
"""Index of the parent in the fields that `stat` gives."""


def trees(pids: Collection[int], without: Collection[int] = ()) -> set[int]:
    """Processes and all that descend from them, except for the trees of `without`."""
    fields = {int(folder.name): stat(int(folder.name)) for folder in _PROC.iterdir() if folder.name.isdecimal()}
    parents = {pid: int(each[_PARENT]) for pid, each in fields.items() if each}
    members: set[int] = set()
    pending = set(pids) - set(without)
    while pending:
        members |= pending
        pending = {pid for pid, parent in parents.items() if parent in pending} - set(without)
    return members


def stat(pid: int) -> list[str]:
    """Fields of a process's `stat` after its name (proc(5)); empty if it has ended."""
    return read(pid, "stat").rpartition(")")[2].split()


def read(pid: int, name: str) -> str:
    """What the kernel says of a process in a file; empty if the process has ended."""
    try:
        return (_PROC / str(pid) / name).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def pid_of(program: Program) -> int:
    """The process of a running program."""
    return int(program.pid_file.read_text().split()[0])
