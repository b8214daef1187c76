"""SIGTERM at any moment, start-up too: every service ends with 0 within its grace."""

import random
import signal
import subprocess
from collections import Counter
from pathlib import Path
from threading import Event

from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.process import clean_environment
from tests.stack.services import Service
from tests.support.checkout import CHECKOUT
from tests.support.system import System

GRACE_S = 60
"""As the chart's terminationGracePeriodSeconds."""
_LATEST_S = 12.0
"""A service is up and at work by then."""


def run(system: System, seed: int, size: Size) -> list[Row]:
    """So many ends of each service, at moments drawn from its start to well after it is ready."""
    rng = random.Random(seed)  # noqa: S311 - moments that can be repeated
    codes: Counter[tuple[str, str]] = Counter()
    for service in system.services.values():
        service.stop()
        for _ in range(size.sigterms):
            codes[service.name, _end(service, rng.uniform(0, _LATEST_S))] += 1
        service.start()
    wrong = ", ".join(f"{name} {code}: {times}" for (name, code), times in sorted(codes.items()) if code != "0")
    good = sum(times for (_, code), times in codes.items() if code == "0")
    promise = f"SIGTERM at any moment of the first {_LATEST_S:.0f} s ends a service with 0 within {GRACE_S} s"
    return [Row.of_counts(promise, good, codes.total(), wrong, seed=seed, size=size.name)]


def _end(service: Service, after_s: float) -> str:
    """Start a service, ask it to end after so many seconds; its exit code, or that it had to be killed."""
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
    Event().wait(after_s)
    program.send_signal(signal.SIGTERM)
    try:
        return str(program.wait(GRACE_S))
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
        return "killed after its grace"
