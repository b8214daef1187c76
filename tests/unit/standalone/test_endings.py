"""How a command ends early: by Ctrl-C, or for want of a library."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from typer import Exit

from services.standalone import cohort_files
from services.standalone.commands.evaluate import evaluate
from services.standalone.commands.train import train
from services.standalone.console import exit_codes, loading
from shared.exit_codes import DEPENDENCY_DOWN, STOPPED
from tests.support.checkout import CHECKOUT


@pytest.mark.parametrize(("goes_on", "again"), [(True, "goes on from here"), (False, "starts anew")])
def test_ctrl_c_says_whether_the_same_command_goes_on(
    capsys: pytest.CaptureFixture[str], goes_on: bool, again: str
) -> None:
    with pytest.raises(Exit) as end, exit_codes(goes_on=goes_on):
        raise KeyboardInterrupt
    assert end.value.exit_code == STOPPED
    assert capsys.readouterr().err.endswith(f"the same command {again}.\n")


@pytest.mark.parametrize("module", ["services.standalone.app", "services.standalone.running_system"])
def test_ctrl_c_while_libraries_load_ends_with_a_sentence(module: str) -> None:
    script = f"""
import os, signal, sys
from services.standalone.__main__ import main
class Press:
    def find_spec(self, name, *_):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Press())
sys.argv = ["medulla", "sweep"]
main()
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (STOPPED, "medulla: Stopped before anything began.\n")


_AT_WORK = """
import time
from concurrent.futures import ThreadPoolExecutor
from services.standalone.console import exit_codes

with exit_codes(goes_on=True), ThreadPoolExecutor(1) as pool:
    slide = pool.submit(time.sleep, 600)
    print("at work", flush=True)
    slide.result()
"""


def test_ctrl_c_ends_a_command_within_seconds_whatever_its_threads_are_at() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _AT_WORK], cwd=CHECKOUT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == STOPPED
    assert stderr == "medulla: Stopped. Nothing is half-written; the same command goes on from here.\n"


def test_training_keeps_nothing_and_an_evaluation_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(cohort_files, "read", ctrl_c)
    with pytest.raises(Exit):
        train(tmp_path / "cohort.csv", tmp_path / "bundle")
    assert "starts anew" in capsys.readouterr().err
    with pytest.raises(Exit):
        evaluate(tmp_path / "cohort.csv", tmp_path / "report")
    assert "goes on from here" in capsys.readouterr().err


def ctrl_c(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def test_where_a_library_is_missing_the_target_that_installs_it_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit) as end, loading():
        raise ModuleNotFoundError(name="torch")
    assert end.value.exit_code == DEPENDENCY_DOWN
    assert "torch, which is not installed: `make dev`" in capsys.readouterr().err
    assert "\ndev: .venv/.dev" in Path("Makefile").read_text()
