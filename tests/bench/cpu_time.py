"""CPU time of processes, as the kernel counts it."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PARENT = 1
_OWN_AND_ENDED = slice(11, 15)
"""User and system time of the process and of its children that have ended, in the fields after its name (proc(5))."""


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    seconds: float


def of_trees(pids: Collection[int], without: Collection[int] = ()) -> float:
    """Seconds of CPU time of processes and all that descend from them, except for the trees of `without`."""
    processes = list(_processes())
    total, pending = 0.0, set(pids) - set(without)
    while pending:
        total += sum(process.seconds for process in processes if process.pid in pending)
        pending = {process.pid for process in processes if process.parent in pending} - set(without)
    return total


def _processes() -> Iterator[_Process]:
    ticks = os.sysconf("SC_CLK_TCK")
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                seconds = sum(map(int, fields[_OWN_AND_ENDED])) / ticks
                yield _Process(int(folder.name), int(fields[_PARENT]), seconds)
