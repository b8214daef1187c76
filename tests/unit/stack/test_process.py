"""Programs are waited for and ended by their recorded pid; what a killed run leaves is ended by the next."""

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.support.stack.home import StackError, inside
from tests.support.stack.process import Program, free_ports, require_free
from tests.support.stack.runs import end_programs, run_folder

_FOR_EVER = [sys.executable, "-c", "import threading; print('up', flush=True); threading.Event().wait()"]


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


def test_a_reused_pid_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "part.process").write_text(f"{os.getpid()} 1")
    assert not Program("part", tmp_path).alive
    assert end_programs(tmp_path) == []


def test_what_a_killed_run_left_is_ended_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_HOME", str(tmp_path / "home"))
    left = inside("runs", "run-left")
    program = _program(left)
    program.start(lambda: _is_up(program))
    with run_folder():
        assert not left.exists()
        assert not program.alive


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_ports(1)[0]))
        taken.listen()
        with pytest.raises(StackError, match=f"needs port {taken.getsockname()[1]}"):
            require_free("The part", taken.getsockname()[1], seconds=0)
