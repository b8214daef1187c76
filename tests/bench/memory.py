"""Memory of processes, as the kernel counts it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.table import Row, Section
from tests.stack.process import Program
from tests.support.system import System

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes of a program and the processes that it started."""

    now: float
    peak: float

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.now + other.now, self.peak + other.peak)


def section(system: System) -> Section:
    """Memory of every service and part now."""
    held = {program.name: of_tree(pid_of(program)) for program in programs(system)}
    rows = [Row(name, "MB", [memory.now], "its peak", [memory.peak], compared=False) for name, memory in held.items()]
    notes = ["sums over a program's processes; memory that they share is counted for each (PostgreSQL, Triton)"]
    return Section("Memory after that work: resident now, and at its peak", rows, notes)


def programs(system: System) -> list[Program]:
    """The services, then the parts that they run on."""
    parts = system.parts
    own = [service.program for service in system.services.values()]
    return [*own, parts.kafka.program, parts.minio.program, parts.postgres.program, parts.triton.program]


def of_tree(pid: int) -> Memory:
    """Memory of a process and all that descend from it."""
    children = _children()
    total, pending = Memory(0, 0), [pid]
    while pending:
        parent = pending.pop()
        total += _of(parent)
        pending += children.get(parent, [])
    return total


def _children() -> Mapping[int, list[int]]:
    children: dict[int, list[int]] = {}
    for pid, status in _statuses():
        children.setdefault(int(status.get("PPid", "0")), []).append(pid)
    return children


def _statuses() -> Iterator[tuple[int, dict[str, str]]]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and (status := _status(int(folder.name))):
            yield int(folder.name), status


def _status(pid: int) -> dict[str, str]:
    """The kernel's status of a process; empty if it has ended."""
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def _of(pid: int) -> Memory:
    status = _status(pid)
    return Memory(_mb(status.get("VmRSS", "0 kB")), _mb(status.get("VmHWM", "0 kB")))


def _mb(text: str) -> float:
    return int(text.split(maxsplit=1)[0]) / 1024


def pid_of(program: Program) -> int:
    return int(program.pid_file.read_text().split()[0])
