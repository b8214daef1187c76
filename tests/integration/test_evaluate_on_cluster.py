"""`medulla evaluate --cluster` from end to end: stopped in any way, it goes on, and gives the report of one machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.trainer.evaluation.run import UNFINISHED
from services.trainer.simulation.simulate import SimulationPlan
from shared.exit_codes import DEPENDENCY_DOWN, OK, STOPPED
from tests.stack.process import clean_environment
from tests.support.checkout import CHECKOUT
from tests.support.cohorts import simulated
from tests.support.dask_cluster import DaskCluster
from tests.support.polling import wait_for

_PATIENCE_S = 180.0


class Evaluation:
    """One command on a SIMULATED cohort, which can be given again and again."""

    def __init__(self, folder: Path) -> None:
        simulated(folder / "cohort", SimulationPlan(60, tiles=2, width=8))
        self._folder = folder
        self.out = folder / "there"

    @contextmanager
    def running(self, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
        """The command as a process, which does not outlive the block."""
        cohort = self._folder / "cohort" / "cohort.csv"
        split = ("--cohort", cohort, "--repeats", "1", "--folds", "2", "--out", out)
        command: list[str | Path] = [sys.executable, "-m", "services.standalone", "evaluate", *split]
        with subprocess.Popen(
            [*command, *options],
            cwd=CHECKOUT,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def here(self) -> dict[str, bytes]:
        """The files of a run in two processes of this machine."""
        out = self._folder / "here"
        with self.running(out, "--workers", "2") as process:
            assert _ended(process)[0] == OK
        return files(out)

    def stopped(self, cluster: DaskCluster, stop: Callable[[subprocess.Popen[str]], None]) -> tuple[int, str]:
        """Exit code and words of a run on the cluster that `stop` ends when it has finished another piece."""
        before = self.pieces()
        with self.running(self.out, "--cluster", cluster.address) as client:
            assert wait_for(lambda: self.pieces() > before, _PATIENCE_S)
            with suspended(cluster.workers):
                stop(client)
                return _ended(client)

    def pieces(self) -> set[str]:
        """Those that are finished."""
        return {path.name for path in (self.out / UNFINISHED).glob("*/[!.]*")}


def files(folder: Path) -> dict[str, bytes]:
    """All of a folder, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def suspended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Nothing more is finished inside the block."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    errors = process.communicate(timeout=_PATIENCE_S)[1]
    return process.returncode, errors


def test_a_run_on_a_cluster_that_is_stopped_in_every_way_gives_the_files_of_one_machine(tmp_path: Path) -> None:
    run = Evaluation(tmp_path)
    kept: list[set[str]] = []
    with DaskCluster(tmp_path, workers=2) as cluster:
        code, words = run.stopped(cluster, lambda client: os.kill(client.pid, signal.SIGINT))
        assert (code, "goes on from here" in words) == (STOPPED, True)
        kept.append(run.pieces())
        assert run.stopped(cluster, subprocess.Popen.kill)[0] == -signal.SIGKILL
        kept.append(run.pieces())
        code, words = run.stopped(cluster, lambda _: cluster.scheduler.kill())
        assert code == DEPENDENCY_DOWN
        assert f"the cluster at {cluster.address} lost its scheduler" in words
        assert "Traceback" not in words
    kept.append(run.pieces())
    assert kept[0] < kept[1] < kept[2]
    (tmp_path / "scheduler.json").unlink()
    with DaskCluster(tmp_path, workers=2) as cluster, run.running(run.out, "--cluster", cluster.address) as client:
        code, words = _ended(client)
    assert code == OK, words
    assert files(run.out) == run.here()
