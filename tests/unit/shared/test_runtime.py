"""Parts run side by side, stop together, and the exit code says who has to act."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog

from shared import exit_codes, runtime
from shared.errors import PoisonMessageError, TransientError
from shared.settings import PlatformSettings

PLATFORM = PlatformSettings(drain_timeout_s=5)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


class Loop:
    def __init__(self) -> None:
        self.drained = False

    def run(self, stop: Event) -> None:
        stop.wait()
        self.drained = True


class Fails:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def run(self, stop: Event) -> None:  # noqa: ARG002 - a part's signature
        raise self._error


class Stuck:
    def __init__(self) -> None:
        self.release = Event()

    def run(self, stop: Event) -> None:  # noqa: ARG002 - a part's signature
        self.release.wait(30)


class Held:
    def __init__(self, order: list[str]) -> None:
        self._order = order

    def __enter__(self) -> None:
        self._order.append("entered")

    def __exit__(self, *_: object) -> None:
        self._order.append("left")


class Notes:
    def __init__(self, order: list[str]) -> None:
        self._order = order

    def run(self, stop: Event) -> None:
        stop.wait()
        self._order.append("drained")


def _last_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransientError("the brokers do not answer"), exit_codes.DEPENDENCY_DOWN),
        (PoisonMessageError("no event"), exit_codes.AT_FAULT),
        (ZeroDivisionError("bug"), exit_codes.AT_FAULT),
        (SystemExit(0), exit_codes.AT_FAULT),
    ],
)
def test_the_first_failure_stops_all_and_sets_the_exit_code(error: BaseException, code: int) -> None:
    loop = Loop()
    assert runtime.run("test", PLATFORM, loop, Fails(error)) == code
    assert loop.drained


def test_a_failure_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    runtime.run("test", PLATFORM, Fails(PoisonMessageError("no event")))
    (line,) = [each for each in _last_lines(capsys.readouterr().err) if each["event"] == "part failed"]
    assert (line["sentence"], line["reason"], line["service"]) == ("no event", "poison_message", "test")


def test_a_bug_is_logged_with_its_places_in_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    runtime.run("test", PLATFORM, Fails(ZeroDivisionError("bug")))
    (line,) = [each for each in _last_lines(capsys.readouterr().err) if each["event"] == "part failed"]
    assert line["exception"]["type"] == "ZeroDivisionError"
    assert "bug" not in line["sentence"]


def test_what_is_held_is_open_before_the_parts_and_closed_after_them() -> None:
    order: list[str] = []
    runtime.run("test", PLATFORM, Notes(order), Held(order), Fails(ZeroDivisionError()))
    assert order == ["entered", "drained", "left"]


def test_a_part_that_does_not_finish_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    stuck = Stuck()
    code = runtime.run("test", PlatformSettings(drain_timeout_s=0.05), stuck, EndingPart())
    stuck.release.set()
    assert code == exit_codes.AT_FAULT
    assert '"parts": ["Stuck"]' in capsys.readouterr().err


class EndingPart:
    def run(self, stop: Event) -> None:
        pass


def test_a_part_that_ends_stops_the_process_in_good_order() -> None:
    assert runtime.run("test", PLATFORM, Loop(), EndingPart()) == exit_codes.OK


def test_wrong_settings_are_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDULLA_HTTP_PORT", "x")
    assert runtime.main("test", lambda _platform, _stack: []) == exit_codes.AT_FAULT
    (line,) = _last_lines(capsys.readouterr().err)
    assert line["sentence"].startswith("MEDULLA_HTTP_PORT is wrong")


def test_a_dependency_that_is_down_at_the_start_gives_exit_code_3() -> None:
    def build(_: PlatformSettings, __: ExitStack) -> list[runtime.Part]:
        raise TransientError("the bucket does not answer")

    assert runtime.main("test", build) == exit_codes.DEPENDENCY_DOWN


_PROGRAM = """
import sys
from shared import exit_codes, runtime
class Loop:
    def run(self, stop):
        print("running", flush=True)
        stop.wait()
        print("drained", flush=True)
sys.exit(runtime.main("test", lambda platform, stack: [Loop()]))
"""


@contextmanager
def _started(program: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A program that is killed behind the block, so that one that ignores a signal stops no run."""
    root = Path(__file__).parents[3]
    path = {"PYTHONPATH": f"{root}:{root / 'shared/gen'}"}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **path, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_parts_and_exits_with_0(number: signal.Signals) -> None:
    with _started(_PROGRAM) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(number)
        line, _ = process.communicate(timeout=60)
    assert (line, process.returncode) == ("drained\n", 0)


_SIGNALLED_PROGRAM = """
import signal, sys, threading
from shared import runtime
class Loop:
    def run(self, stop):
        threading.Event().wait(1)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        stop.wait()
        print("drained", flush=True)
sys.exit(runtime.main("test", lambda platform, stack: [Loop()]))
"""
"""Gets its signal in a thread while the main thread waits, which does not notice it until its wait ends."""


def test_a_signal_that_does_not_wake_the_main_thread_is_not_lost() -> None:
    with _started(_SIGNALLED_PROGRAM) as process:
        line, _ = process.communicate(timeout=60)
    assert (line, process.returncode) == ("drained\n", 0)


_STUCK_PROGRAM = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from shared import exit_codes, runtime
class Stuck:
    def run(self, stop):
        work = ThreadPoolExecutor(1).submit(threading.Event().wait)
        print("running", flush=True)
        work.result()
sys.exit(runtime.main("test", lambda platform, stack: [Stuck()]))
"""


def test_work_that_never_ends_does_not_keep_the_process() -> None:
    with _started(_STUCK_PROGRAM, MEDULLA_DRAIN_TIMEOUT_S="0.1") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == exit_codes.AT_FAULT


def test_a_second_signal_ends_the_process_at_once() -> None:
    with _started(_STUCK_PROGRAM, MEDULLA_DRAIN_TIMEOUT_S="600") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        while process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
    assert process.returncode == -signal.SIGTERM
