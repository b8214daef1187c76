"""SIGTERM at any moment, start-up and work too: services end with 0 within their grace, and no case is lost."""

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from tests.chaos.history import Landed, settle, verdict_on
from tests.chaos.landing import landing_beside
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.process import clean_environment
from tests.stack.services import Service
from tests.support.checkout import CHECKOUT
from tests.support.polling import wait_for
from tests.support.system import System

GRACE_S = 60
"""As the chart's terminationGracePeriodSeconds."""
_EVERY_S = 2.0
"""Between two cases: enough work for each start, and less than two idle cores do meanwhile."""
_LATEST_S = 12.0
"""A service is up and at work by then."""
_EARLY = 3
"""Power of the draw: one in six of the moments lies in the first 50 ms, where the interpreter starts; half in 1.5 s."""
_THIRD = 3
"""One in so many is asked to end once it is at work, however long its start took."""
_AT_WORK_S = 2.0
"""The latest of those moments, after the first record that it is done with."""
_DONE = b'"event": "done"'
"""A line of the log for each record that a service is done with."""
_PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _End:
    """How one start of a service ended."""

    service: str
    code: str
    was_at_work: bool
    """Whether it was done with a record after it had been asked to end."""


def run(system: System, seed: int, size: Size) -> list[Row]:
    """So many ends of each service, at moments drawn from its start to well after it is ready, while cases land."""
    rng = random.Random(seed)  # noqa: S311 - moments that can be repeated
    with landing_beside(system, "CHAOS-sigterm", seed, _EVERY_S) as landed:
        ends = list(_end_each(system, rng, size.sigterms))
    settle(landed, system.case, _PATIENCE_S)
    return [_ended(ends, seed, size.name), _none_lost(system, landed, seed, size.name)]


def _end_each(system: System, rng: random.Random, times: int) -> Iterator[_End]:
    """The services one after the other, the others at work meanwhile."""
    for service in system.services.values():
        service.stop()
        for number in range(times):
            if number % _THIRD == _THIRD - 1:
                yield _end(service, _AT_WORK_S * rng.random(), at_work=True)
            else:
                yield _end(service, _LATEST_S * rng.random() ** _EARLY)
        service.start()


def _ended(ends: Sequence[_End], seed: int, size: str) -> Row:
    wrong = Counter(f"{end.service} {end.code}" for end in ends if end.code != "0")
    at_work = sum(end.was_at_work for end in ends)
    faults = [f"{end}: {times}" for end, times in sorted(wrong.items())]
    more = ", ".join([f"{at_work} in the middle of a record", *faults])
    promise = (
        f"SIGTERM at any moment of its first {_LATEST_S:.0f} s, or at work, ends a service with 0 within {GRACE_S} s"
    )
    good = len(ends) - wrong.total() if at_work else 0
    return Row.of_counts(promise, good, len(ends), more, seed=seed, size=size)


def _none_lost(system: System, landed: Sequence[Landed], seed: int, size: str) -> Row:
    verdict = verdict_on(landed, system.case, system.scores)
    letters = int(system.get("/api/v1/dead-letters")["total"]) - len(verdict.refused)
    more = f"{len(verdict.scored)} scored, {len(verdict.refused)} refused; {letters} dead letters beside the refusals"
    promise = "Cases that land meanwhile are scored or refused as they have to be, none is lost or doubled"
    return Row.of_counts(promise, verdict.unambiguous if letters == 0 else 0, len(landed), more, seed=seed, size=size)


def _runs_python(program: subprocess.Popen[bytes]) -> bool:
    """Whether the launcher, which holds signals back, has become the interpreter: a millisecond after the start."""
    return Path(f"/proc/{program.pid}/exe").resolve() == Path(sys.executable).resolve()


def _end(service: Service, after_s: float, *, at_work: bool = False) -> _End:
    """Start a service, and ask it to end so long after its interpreter began, or its work."""
    log = Path(service.folder) / "sigterm.log"
    log.touch()
    begun = log.stat().st_size
    with log.open("ab") as output:
        program = subprocess.Popen(
            list(service.program.argv),
            env=clean_environment(**service.settings),
            cwd=CHECKOUT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        assert wait_for(lambda: _runs_python(program), GRACE_S, pause_s=0.001)
        if at_work:
            wait_for(lambda: _DONE in log.read_bytes()[begun:], GRACE_S)
        Event().wait(after_s)
        written = log.stat().st_size
        program.send_signal(signal.SIGTERM)
        code = _exit_code(program)
    finally:
        program.kill()
        program.wait()
    return _End(service.name, code, _DONE in log.read_bytes()[written:])


def _exit_code(program: subprocess.Popen[bytes]) -> str:
    """The exit code of a process that was asked to end, or that it has to be killed."""
    try:
        return str(program.wait(GRACE_S))
    except subprocess.TimeoutExpired:
        return "killed after its grace"
