"""Pieces of work of a run of the studies, each kept in a file named after its inputs."""

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from threadpoolctl import threadpool_limits

from services.trainer.parallel import parallel
from shared.canonical import digest_of
from shared.files import put

VERSION = 3
"""Raised when a change makes finished pieces useless."""


class Plan(Protocol):
    """A frozen dataclass of plain values, and how to run it."""

    @property
    def kind(self) -> str:
        """Short name; SIMULATED_... where patients are simulated."""

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """The piece's numbers; `data` is the folder of the user, `work` an empty folder that is removed afterwards."""


@dataclass(frozen=True)
class Bench:
    """Runs pieces and keeps them."""

    out: Path
    data: Path | None
    workers: int = 1

    def path(self, plan: Plan) -> Path:
        """The file of a piece."""
        name = digest_of([VERSION, plan.kind, asdict(plan)])[:12]  # type: ignore[call-overload]
        return self.out / "pieces" / f"{plan.kind}-{name}.json"

    def __call__(self, plan: Plan) -> dict[str, Any]:
        """The piece, run now unless it is kept."""
        path = self.path(plan)
        if not path.exists():
            _make(plan, self.data, path)
        piece: dict[str, Any] = json.loads(path.read_bytes())
        return piece

    def all(self, plans: Sequence[Plan]) -> list[dict[str, Any]]:
        """Pieces in parallel, in processes of one thread each."""
        missing = [plan for plan in plans if not self.path(plan).exists()]
        if self.workers > 1 and len(missing) > 1:
            list(parallel(self, missing, self.workers, _one_thread))
        return [self(plan) for plan in plans]


def say(text: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def put_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def _make(plan: Plan, data: Path | None, path: Path) -> None:
    work = path.parent / f".{path.stem}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    started, cpu_before = time.monotonic(), _cpu_s()
    try:
        value = plan.run(data, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    durations = {"wall_s": round(time.monotonic() - started, 1), "cpu_s": round(_cpu_s() - cpu_before, 1)}
    put_json(path, {"kind": plan.kind, "plan": asdict(plan), **durations, "value": value})  # type: ignore[call-overload]
    say(f"{path.stem}: {durations['wall_s']:g} s, of which {durations['cpu_s']:g} s of processor")


def _cpu_s() -> float:
    """Of this process and of its children that have ended."""
    cpu_before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in cpu_before)


def _one_thread() -> None:
    threadpool_limits(1)
    import torch  # noqa: PLC0415 - only in processes that fit networks

    torch.set_num_threads(1)


def quiet(_done: int, _total: int) -> None:
    """Nobody watches the steps within a piece."""


Summary = Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]
