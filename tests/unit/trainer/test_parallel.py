"""Pieces of work in processes: results as they come, errors told, and no process outlives a stop."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import PIPE

import pytest

from services.trainer.parallel import parallel


def test_every_piece_is_made_once() -> None:
    assert sorted(parallel(abs, [-3, 2, -1], 2)) == [1, 2, 3]


def test_the_error_of_a_piece_is_ours() -> None:
    with pytest.raises(ZeroDivisionError):
        list(parallel(partial(divmod, 1), [1, 0, 2], 2))


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(BrokenProcessPool):
        list(parallel(os._exit, [9, 9], 2))


@pytest.mark.parametrize(
    ("stop", "with_signal", "sentence"),
    [
        (os.killpg, signal.SIGINT, "KeyboardInterrupt"),
        (os.kill, signal.SIGINT, "KeyboardInterrupt"),
        (os.kill, signal.SIGTERM, ""),
        (os.kill, signal.SIGKILL, ""),
    ],
    ids=["a terminal's Ctrl-C", "Ctrl-C for the first process alone", "its end", "its death"],
)
def test_a_stop_ends_all_processes_and_leaves_the_rest_undone(
    tmp_path: Path, stop: Callable[[int, int], None], with_signal: signal.Signals, sentence: str
) -> None:
    program = tmp_path / "slow.py"
    program.write_text(
        "import signal\nfrom threading import Event\nfrom services.trainer.parallel import parallel\n\n"
        "def begin(number):\n    print('begun\\n', end='', flush=True)\n    Event().wait()\n\n"
        "def ready():\n    pass\n\nif __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it\n"
        "    list(parallel(begin, range(9), 2, ready))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, str(program)], start_new_session=True, stdout=PIPE, stderr=PIPE, env=environment, text=True
    ) as running:
        try:
            assert running.stdout is not None
            assert [running.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
            stop(running.pid, with_signal)
            more, errors = running.communicate(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    assert errors.strip().endswith(sentence)
    assert more == ""
