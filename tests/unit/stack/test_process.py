"""Programs are waited for and ended by their recorded pid; what a killed run leaves is ended by the next."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stack.home import StackError, home, inside
from tests.stack.leftovers import MEMORY, memory_of, memory_prefix
from tests.stack.process import Program, free_ports, require_free, start_time
from tests.stack.runs import end_programs, run_folder
from tests.support.polling import wait_for

_WAIT = "import threading; print('up', flush=True); threading.Event().wait()"
_FOR_EVER = [sys.executable, "-c", _WAIT]
_WITH_A_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
print(child.pid, "up", flush=True)
child.wait()
"""


def _program(folder: Path) -> Program:
    return Program("part", folder, _FOR_EVER)


def _is_up(program: Program) -> bool:
    return program.log.exists() and "up" in program.log.read_text()


def test_a_program_runs_from_start_to_stop(tmp_path: Path) -> None:
    program = _program(tmp_path)
    program.start(lambda: _is_up(program))
    assert program.alive
    program.stop()
    assert not program.alive


def test_a_program_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    program = Program("part", tmp_path, [sys.executable, "-c", "raise SystemExit('no such broker')"])
    with pytest.raises(StackError, match="no such broker"):
        program.start(lambda: False)


def test_another_process_ends_a_program_by_its_record(tmp_path: Path) -> None:
    program = _program(tmp_path)
    program.start(lambda: _is_up(program))
    assert end_programs(tmp_path) == ["part"]
    assert not program.alive


def test_another_process_asks_a_program_to_end_by_the_signal_that_it_wants(tmp_path: Path) -> None:
    script = f"""
import signal
signal.signal(signal.SIGINT, lambda *_: exit("left in order"))
{_WAIT}
"""
    program = Program("part", tmp_path, [sys.executable, "-c", script], stop_signal=signal.SIGINT)
    program.start(lambda: _is_up(program))
    end_programs(tmp_path)
    assert "left in order" in program.log.read_text()


@pytest.mark.parametrize("written", ["", "1", f"{os.getpid()}"])
def test_a_record_that_is_only_begun_is_no_program(tmp_path: Path, written: str) -> None:
    (tmp_path / "part.process").write_text(written)
    assert end_programs(tmp_path) == []


def test_a_reused_pid_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "part.process").write_text(f"{os.getpid()} 1 SIGTERM")
    assert not Program("part", tmp_path).alive
    assert end_programs(tmp_path) == []


def test_what_a_killed_run_left_is_ended_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_HOME", str(tmp_path / "home"))
    leftover = inside("runs", "run-left")
    program = _program(leftover)
    program.start(lambda: _is_up(program))
    with run_folder():
        assert not leftover.exists()
        assert not program.alive


@pytest.mark.parametrize("end", [Program.kill, Program.stop])
def test_what_a_program_started_ends_with_it(tmp_path: Path, end: Callable[[Program], None]) -> None:
    program = Program("part", tmp_path, [sys.executable, "-c", _WITH_A_CHILD])
    program.start(lambda: _is_up(program))
    child = int(program.log.read_text().split()[0])
    assert start_time(child)
    end(program)
    assert wait_for(lambda: not start_time(child), 10)


@pytest.mark.parametrize("kept", [True, False])
def test_an_orphan_of_a_run_and_its_memory_are_removed_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    monkeypatch.setenv("MEDULLA_HOME", str(tmp_path / "home"))
    leftover = inside("runs") / "run-left"
    (MEMORY / f"{memory_prefix(leftover / 'triton')}1").touch()
    if kept:
        leftover.mkdir()
    orphan = _stub(leftover)
    with run_folder() as other:
        assert orphan.wait(timeout=10) == -signal.SIGKILL
        assert not leftover.exists()
        assert not memory_of(leftover)
        neighbour = _stub(other)
        with run_folder():
            assert neighbour.poll() is None
    assert neighbour.wait(timeout=10) == -signal.SIGKILL


def _stub(run: Path) -> "subprocess.Popen[bytes]":
    """A process that looks like a child of an installed program that works on a run's files."""
    words = [str(home() / "triton" / "stub"), "-c", _WAIT, str(run / "triton" / "model.py")]
    stub = subprocess.Popen(words, executable=sys.executable, stdout=subprocess.PIPE)
    assert stub.stdout is not None
    with stub.stdout:
        assert stub.stdout.readline()  # a process just begun has no command line yet
    return stub


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_ports(1)[0]))
        taken.listen()
        with pytest.raises(StackError, match=f"needs port {taken.getsockname()[1]}"):
            require_free("The part", taken.getsockname()[1], seconds=0)
