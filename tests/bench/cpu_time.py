"""CPU time of processes, as the kernel counts it."""

import os
from collections.abc import Collection

from tests.bench.processes import stat, trees

_OWN_AND_ENDED = slice(11, 15)
"""User and system time of the process and of its children that have ended, in the fields that `stat` gives."""


def of_trees(pids: Collection[int], without: Collection[int] = ()) -> float:
    """Seconds of CPU time of processes and all that descend from them, except for the trees of `without`."""
    ticks = sum(int(field) for pid in trees(pids, without) for field in stat(pid)[_OWN_AND_ENDED])
    return ticks / os.sysconf("SC_CLK_TCK")
