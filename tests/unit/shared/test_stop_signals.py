"""A signal ends a service with 0 before it runs, too: while it is imported, and while its parts are built."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.stack.services import LAUNCHER, SERVICES
from tests.support.checkout import CHECKOUT

_BUILDS = """
import sys, threading
from shared import runtime
def build(platform, stack):
    stack.callback(print, "closed", flush=True)
    print("building", flush=True)
    while not threading.Event().wait(0.2):
        pass
sys.exit(runtime.main("test", build))
"""
_CATCHES = """
import sys, threading
from shared import runtime
class Loop:
    def run(self, stop):
        print("running", flush=True)
        stop.wait()
def build(platform, stack):
    print("building", flush=True)
    try:
        while not threading.Event().wait(0.2):
            pass
    except BaseException:
        return [Loop()]
sys.exit(runtime.main("test", build))
"""


@contextmanager
def _started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    path = {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'shared/gen'}"}
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, **path},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _read_until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert any(word in line for line in process.stdout)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_being_imported_ends_with_0(service: str) -> None:
    with _started("-X", "importtime", "-m", f"services.{service}") as process:
        _read_until(process, "grpc")
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_launcher_holds_signals_back() -> None:
    prints = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    blocked = subprocess.run([*LAUNCHER, sys.executable, "-c", prints], capture_output=True, text=True, check=True)
    assert blocked.stdout == f"{sorted([signal.SIGINT, signal.SIGTERM])}\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_interpreter_runs_ends_a_service_with_0(number: signal.Signals) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        with _started("-m", "services.embedder") as process:
            process.send_signal(number)
            process.communicate(timeout=60)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_being_built_closes_what_is_open_and_ends_with_0(number: signal.Signals) -> None:
    with _started("-c", _BUILDS) as process:
        _read_until(process, "building")
        process.send_signal(number)
        rest, _ = process.communicate(timeout=30)
    assert (rest, process.returncode) == ("closed\n", 0)


def test_parts_do_not_run_where_a_library_caught_the_signal() -> None:
    with _started("-c", _CATCHES) as process:
        _read_until(process, "building")
        process.terminate()
        rest, _ = process.communicate(timeout=30)
    assert (rest, process.returncode) == ("", 0)
