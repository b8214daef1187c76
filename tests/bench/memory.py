"""Memory of processes, as the kernel counts it."""

from dataclasses import dataclass

from tests.bench.processes import pid_of, read, trees
from tests.bench.table import Row, Section
from tests.stack.process import Program
from tests.support.system import System


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
    return sum(map(of_process, trees({pid})), Memory(0, 0))


def of_process(pid: int) -> Memory:
    """Memory of one process; none if it has ended."""
    status = dict(line.split(":\t", 1) for line in read(pid, "status").splitlines() if ":\t" in line)
    return Memory(_mb(status.get("VmRSS", "0 kB")), _mb(status.get("VmHWM", "0 kB")))


def _mb(text: str) -> float:
    return int(text.split(maxsplit=1)[0]) / 1024
