"""Pieces of work in processes: results as they come, errors told, and no process outlives a stop."""

import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from subprocess import PIPE

import pytest

from services.trainer.side_by_side import side_by_side


def test_every_piece_is_made_once() -> None:
    assert sorted(side_by_side(abs, [-3, 2, -1], 2, partial(print, end=""))) == [1, 2, 3]


def test_the_error_of_a_piece_is_ours() -> None:
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(partial(divmod, 1), [1, 0, 2], 2, partial(print, end="")))


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(BrokenProcessPool):
        list(side_by_side(os._exit, [9, 9], 2, partial(print, end="")))


@pytest.mark.parametrize("everyone", [True, False], ids=["a terminal's Ctrl-C", "a signal to the first process"])
def test_a_stop_ends_all_processes_and_leaves_the_rest_undone(tmp_path: Path, everyone: bool) -> None:
    program = tmp_path / "slow.py"
    program.write_text(
        "import signal\nfrom threading import Event\nfrom services.trainer.side_by_side import side_by_side\n\n"
        "def begin(number):\n    print('begun', flush=True)\n    Event().wait()\n\n"
        "def ready():\n    pass\n\nif __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it\n"
        "    list(side_by_side(begin, range(9), 2, ready))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, str(program)], start_new_session=True, stdout=PIPE, stderr=PIPE, env=environment, text=True
    ) as running:
        assert running.stdout is not None
        assert [running.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
        (os.killpg if everyone else os.kill)(running.pid, signal.SIGINT)
        try:
            more, said = running.communicate(timeout=60)
        finally:
            running.kill()
    assert said.strip().endswith("KeyboardInterrupt")
    assert more == ""
