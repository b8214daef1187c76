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
import tempfile
from pathlib import Path
from threading import Event, Thread
from tests.stack.process import Program
from tests.stack.runs import ended_in_order, run_folder

def run(wait):
    with run_folder() as folder, tempfile.TemporaryDirectory() as temporary:
        program = Program("sleeper", folder / "part", ["sleep", "600"])
        program.start(lambda: True)
        print(program.pid_file.read_text().split()[0], folder, temporary, flush=True)
        while not wait(0.001):
            Path(temporary, "note").write_text(program.pid_file.read_text())

def main():
    Thread(target=run, args=(Event().wait,)).start()
    try:
        run(Event().wait)
    finally:
        raise ValueError("what is closed fails")

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


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_a_run_started_in_any_thread_in_one_sentence(tmp_path: Path, sign: signal.Signals) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", _TWO_RUNS],
        cwd=CHECKOUT,
        env={**os.environ, "MEDULLA_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    (one, *one_folders), (other, *other_folders) = (run.stdout.readline().split() for _ in range(2))
    folders = {*one_folders, *other_folders}
    assert len(folders) == 4
    assert all(Path(folder).is_relative_to(tmp_path / "runs") for folder in folders)
    assert all(start_time(int(pid)) for pid in (one, other))
    run.send_signal(sign)
    assert run.communicate(timeout=60)[1] == "stopped; what was started has ended\n"
    assert run.returncode == STOPPED
    assert [start_time(int(pid)) for pid in (one, other)] == ["", ""]
    assert not list((tmp_path / "runs").iterdir())


def test_sigterm_interrupts_the_tests_as_ctrl_c_does() -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@pytest.mark.parametrize("command", ["python -m tests.chaos", "python -m tests.bench", "pytest tests/cluster"])
def test_sigterm_of_make_reaches_what_starts_parts_and_not_a_shell_before_it(command: str) -> None:
    assert f"\texec $(BIN)/{command}" in (CHECKOUT / "Makefile").read_text()
