"""Runs targets in processes of their own, within limits of time and memory, and counts the outcomes of the inputs."""

import json
import os
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.child import work
from tests.fuzz.targets import Target

GROWTH_MB = 96
"""How much more memory a process may hold at the end than after its first inputs."""
LONGEST_SENTENCE = 4000
"""Characters of a refusal; more is no sentence."""
_SETTLED = 0.3
"""Share of the inputs after which caches are taken for full."""
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the input that caused it."""

    target: str
    seed: int
    what: str


@dataclass
class Tally:
    """Outcomes of the inputs of one target."""

    target: Target
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest_seed: int = 0
    peak_mb: int = 0
    held_mb: list[int] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """How many were tried."""
        return self.outcomes.total()

    @property
    def growth_mb(self) -> int:
        """Memory held at the end, beyond what was held when caches were full."""
        return self.held_mb[-1] - self.held_mb[int(_SETTLED * len(self.held_mb))] if len(self.held_mb) > 2 else 0

    def fault(self, seed: int, what: str) -> None:
        """Count a fault."""
        self.outcomes["FAULT"] += 1
        self.faults.append(Fault(self.target.name, seed, what))

    def take(self, message: dict[str, Any]) -> None:
        """Count the reported outcome of one input."""
        seed, seconds, peak = message["seed"], message["seconds"], message["peak_mb"]
        if seconds > self.slowest_s:
            self.slowest_s, self.slowest_seed = seconds, seed
        self.peak_mb = max(self.peak_mb, peak)
        self.held_mb += [message["held_mb"]] if message["held_mb"] else []
        if "fault" in message:
            self.fault(seed, message["fault"])
        elif peak > self.target.peak_mb:
            self.fault(seed, f"took {peak} MB, allowed are {self.target.peak_mb}")
        elif message.get("sentence", 0) > LONGEST_SENTENCE:
            self.fault(seed, f"was refused with a sentence of {message['sentence']} characters")
        else:
            self.outcomes[message["reason"]] += 1


def fuzz(target: Target, seconds: float, folder: Path, first: int = 0, most: int = sys.maxsize) -> Tally:
    """Try inputs of a target, seeds from `first` on, until the time is over or `most` are done."""
    tally, end, seed = Tally(target), time.monotonic() + seconds, first
    while seed < first + most and time.monotonic() < end:
        seed = _run(tally, seed, first + most, end, folder)
    if tally.growth_mb > GROWTH_MB:
        tally.faults.append(
            Fault(target.name, first, f"memory grew by {tally.growth_mb} MB over {tally.inputs} inputs")
        )
    return tally


def _run(tally: Tally, seed: int, last: int, end: float, folder: Path) -> int:
    """Work in one process until time is over, or it dies, or takes too long; the next seed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_child(tally.target, seed, folder, writer)
    os.close(writer)
    tally.held_mb.clear()
    working = False
    try:
        for message in _lines(reader, tally.target.seconds):
            if message is None:
                tally.fault(seed, f"took longer than {tally.target.seconds:g} s")
                return seed + 1
            working = "seconds" not in message
            if not working:
                tally.take(message)
                seed = message["seed"] + 1
                if seed >= last or time.monotonic() >= end:
                    return seed
    finally:
        os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        os.close(reader)
    tally.fault(seed, f"the process ended: {_ending(status)}" if working else f"cannot be set up: {_ending(status)}")
    return seed + 1


def _be_child(target: Target, seed: int, folder: Path, writer: int) -> None:
    """Never returns."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(null, stream.fileno())  # native libraries write there what they think of an input
        with os.fdopen(writer, "w") as out:
            work(target, seed, folder, out)
    finally:
        os._exit(70)


def _lines(reader: int, longest_s: float) -> Iterator[dict[str, Any] | None]:
    """Messages of the process; None if it is silent for too long."""
    rest, patience = b"", _START_S
    while True:
        if not select.select([reader], [], [], patience)[0]:
            yield None
            return
        data = os.read(reader, 65_536)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from map(json.loads, lines)
        patience = longest_s


def _ending(status: int) -> str:
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"


def table(tallies: list[Tally]) -> str:
    """A line for each target, and one for each fault."""
    rows = [
        f"{'target':<12}{'inputs':>8}{'accepted':>10}{'refused':>9}{'faults':>8}{'slowest':>10}{'peak':>9}{'growth':>9}"
    ]
    for tally in tallies:
        accepted, bad = tally.outcomes[""], len(tally.faults)
        refused = tally.inputs - accepted - tally.outcomes["FAULT"]
        rows.append(
            f"{tally.target.name:<12}{tally.inputs:>8}{accepted:>10}{refused:>9}{bad:>8}"
            f"{tally.slowest_s:>8.2f} s{tally.peak_mb:>6} MB{tally.growth_mb:>6} MB"
        )
        reasons = [f"{reason} {n}" for reason, n in tally.outcomes.most_common() if reason not in {"", "FAULT"}]
        rows += [f"  {', '.join(reasons)}"] if reasons else []
    return "\n".join(rows)
