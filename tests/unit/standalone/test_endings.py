"""How a command ends early: by Ctrl-C, or for want of a library."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from typer import Exit

from services.standalone import cohorts, console, evaluate, train
from shared import runtime
from tests.support.checkout import CHECKOUT


@pytest.mark.parametrize(("goes_on", "again"), [(True, "goes on from here"), (False, "starts anew")])
def test_ctrl_c_says_whether_the_same_command_goes_on(
    capsys: pytest.CaptureFixture[str], goes_on: bool, again: str
) -> None:
    with pytest.raises(Exit) as end, cohorts.trainer(goes_on=goes_on):
        raise KeyboardInterrupt
    assert end.value.exit_code == console.STOPPED
    assert capsys.readouterr().err.endswith(f"the same command {again}.\n")


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
    assert process.returncode == console.STOPPED
    assert stderr == "medulla: Stopped. Nothing is half-written; the same command goes on from here.\n"


def test_training_keeps_nothing_and_an_evaluation_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for module in (train, evaluate):
        monkeypatch.setattr(module, "read", ctrl_c)
    with pytest.raises(Exit):
        train.train(tmp_path / "cohort.csv", tmp_path / "bundle")
    assert "starts anew" in capsys.readouterr().err
    with pytest.raises(Exit):
        evaluate.evaluate(tmp_path / "cohort.csv", tmp_path / "report")
    assert "goes on from here" in capsys.readouterr().err


def ctrl_c(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def test_where_a_library_is_missing_the_target_that_installs_it_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit) as end, cohorts.trainer():
        raise ModuleNotFoundError(name="torch")
    assert end.value.exit_code == runtime.DEPENDENCY_DOWN
    assert "torch, which is not installed: `make dev`" in capsys.readouterr().err
    assert "\ndev: .venv/.dev" in Path("Makefile").read_text()
