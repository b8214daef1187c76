"""SIGTERM at any moment, start-up too: every service ends with 0 within its grace."""

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Event

from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.process import clean_environment
from tests.stack.services import Service
from tests.support.checkout import CHECKOUT
from tests.support.polling import wait_for
from tests.support.system import System

GRACE_S = 60
"""As the chart's terminationGracePeriodSeconds."""
_LATEST_S = 12.0
"""A service is up and at work by then."""
_EARLY = 3
"""Power of the draw: one in six of the moments lies in the first 50 ms, where the interpreter starts; half in 1.5 s."""


def run(system: System, seed: int, size: Size) -> list[Row]:
    """So many ends of each service, at moments drawn from its start to well after it is ready."""
    rng = random.Random(seed)  # noqa: S311 - moments that can be repeated
    codes: Counter[tuple[str, str]] = Counter()
    for service in system.services.values():
        service.stop()
        for _ in range(size.sigterms):
            codes[service.name, _end(service, _LATEST_S * rng.random() ** _EARLY)] += 1
        service.start()
    wrong = ", ".join(f"{name} {code}: {times}" for (name, code), times in sorted(codes.items()) if code != "0")
    good = sum(times for (_, code), times in codes.items() if code == "0")
    promise = f"SIGTERM at any moment of its first {_LATEST_S:.0f} s ends a service with 0 within {GRACE_S} s"
    return [Row.of_counts(promise, good, codes.total(), wrong, seed=seed, size=size.name)]


def _runs_python(program: subprocess.Popen[bytes]) -> bool:
    """Whether the launcher, which holds signals back, has become the interpreter: a millisecond after the start."""
    return Path(f"/proc/{program.pid}/exe").resolve() == Path(sys.executable).resolve()


def _end(service: Service, after_s: float) -> str:
    """Start a service, ask it to end so long after its interpreter began; its exit code, or that it was killed."""
    log = Path(service.folder) / "sigterm.log"
    with log.open("ab") as output:
        program = subprocess.Popen(
            list(service.program.argv),
            env=clean_environment(**service.settings),
            cwd=CHECKOUT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    assert wait_for(lambda: _runs_python(program), GRACE_S, pause_s=0.001)
    Event().wait(after_s)
    program.send_signal(signal.SIGTERM)
    try:
        return str(program.wait(GRACE_S))
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
        return "killed after its grace"
