"""Pieces of work in processes: results as they come, errors told, and no process outlives a stop."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

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
        "import signal, sys, time\nfrom pathlib import Path\nfrom services.trainer.side_by_side import side_by_side\n\n"
        "def slow(number):\n    Path(sys.argv[1], str(number)).touch()\n    time.sleep(3600)\n\n"
        "def ready():\n    pass\n\nif __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it\n"
        "    list(side_by_side(slow, range(9), 2, ready))\n"
    )
    begun = tmp_path / "begun"
    begun.mkdir()
    command = [sys.executable, str(program), str(begun)]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, env=environment) as running:
        while len(list(begun.iterdir())) < 2:
            assert running.poll() is None
            time.sleep(0.05)
        (os.killpg if everyone else os.kill)(running.pid, signal.SIGINT)
        try:
            _, said = running.communicate(timeout=60)
        finally:
            running.kill()
    assert said.strip().endswith(b"KeyboardInterrupt")
    assert len(list(begun.iterdir())) == 2
