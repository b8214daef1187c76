"""Folders of runs: which programs are looked for in them, and that SIGTERM of a run ends all of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.exit_codes import STOPPED
from tests.stack.process import Program, start_time
from tests.stack.runs import end_programs, running_programs
from tests.support.checkout import CHECKOUT

_TWO_RUNS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from tests.stack.process import Program
from tests.stack.runs import ended_in_order, run_folder

def run():
    with run_folder() as folder:
        program = Program("sleeper", folder / "part", ["sleep", "600"])
        program.start(lambda: True)
        print(program.pid_file.read_text().split()[0], folder, flush=True)
        Event().wait()

def main():
    ThreadPoolExecutor(1).submit(run)
    run()

sys.exit(ended_in_order(main))
"""


def test_the_data_of_a_program_is_not_searched_for_records(tmp_path: Path) -> None:
    program = Program("sleeper", tmp_path / "part", ["sleep", "60"], {})
    program.start(lambda: True)
    data = tmp_path / "part" / "data" / "below"
    data.mkdir(parents=True)
    (data / "object.process").write_text("no record")
    assert [each.name for each in running_programs(tmp_path)] == ["sleeper"]
    assert end_programs(tmp_path) == ["sleeper"]
    assert not program.alive


def test_sigterm_ends_what_a_run_started_in_any_thread(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", _TWO_RUNS],
        cwd=CHECKOUT,
        env={**os.environ, "MEDULLA_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    (one, one_folder), (other, other_folder) = (run.stdout.readline().split() for _ in range(2))
    assert one_folder != other_folder
    assert all(start_time(int(pid)) for pid in (one, other))
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=60)
    assert run.returncode == STOPPED
    assert [start_time(int(pid)) for pid in (one, other)] == ["", ""]
    assert not any(Path(folder).exists() for folder in (one_folder, other_folder))


def test_sigterm_interrupts_the_tests_as_ctrl_c_does() -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@pytest.mark.parametrize("command", ["python -m tests.chaos", "python -m tests.bench", "pytest tests/cluster"])
def test_sigterm_of_make_reaches_what_starts_parts_and_not_a_shell_before_it(command: str) -> None:
    assert f"\texec $(BIN)/{command}" in (CHECKOUT / "Makefile").read_text()
