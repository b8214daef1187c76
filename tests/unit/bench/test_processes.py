"""Trees of processes, their CPU time and memory, as the benchmarks count them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.bench import cpu_time, memory
from tests.bench.processes import trees

_BUSY = "sum(range(2_000_000)); print('', flush=True); input()"
_PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_BUSY!r}])"


@pytest.fixture
def parent() -> Iterator[int]:
    """A process whose child has worked and now waits."""
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate(b"\n")


def test_a_tree_holds_the_children_and_leaves_out_another_tree(parent: int) -> None:
    members = trees({parent})
    assert parent in members
    assert len(members) == 2
    assert members <= trees({os.getpid()})
    assert not members & trees({os.getpid()}, without={parent})


def test_cpu_time_and_memory_of_a_tree_include_those_of_the_child(parent: int) -> None:
    (child,) = trees({parent}) - {parent}
    assert 0 < cpu_time.of_trees({child}) <= cpu_time.of_trees({parent})
    assert 0 < memory.of_tree(child).now < memory.of_tree(parent).now


def test_a_process_that_has_ended_counts_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert cpu_time.of_trees({process.pid}) == 0
    assert memory.of_tree(process.pid) == memory.Memory(0, 0)
