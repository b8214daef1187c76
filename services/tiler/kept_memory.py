"""Lets a process that reads a slide keep the memory that it frees: the next tiles need as much."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of glibc's mallopt(3)."""
_KEPT_BYTES = 128 * 2**20
_HEAP_BYTES = 32 * 2**20
"""Blocks up to this size, the largest that glibc allows, are taken from the heap, which is kept."""


def keep_memory() -> None:
    """Give pages back to the kernel only where more than `_KEPT_BYTES` are free; without effect outside Linux."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
            mallopt(_M_MMAP_THRESHOLD, _HEAP_BYTES)
