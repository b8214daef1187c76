"""Freed memory of threads goes back to the kernel where a program asks for that."""

import subprocess
import sys

import pytest

from tests.support.checkout import CHECKOUT

_PROGRAM = """
import threading
from shared.malloc import return_memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
def work():
    kept = bytearray(1000)
    for _ in range(4):
        bytearray(b"x") * (20 * 2**20)
    arrived.wait()
    left.wait()
if {returns}:
    return_memory()
arrived, left = threading.Barrier(9), threading.Barrier(9)
before = resident()
for _ in range(8):
    threading.Thread(target=work).start()
arrived.wait()
print(resident() - before)
left.wait()
"""


def _kept_mb(returns: bool) -> float:
    command = [sys.executable, "-c", _PROGRAM.format(returns=returns)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_threads_keep_no_freed_blocks_once_memory_is_returned() -> None:
    assert _kept_mb(returns=True) < 10
    assert _kept_mb(returns=False) >= 20
