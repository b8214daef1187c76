"""What glibc does with freed memory: keep it for the next slide, or give it back to the kernel."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of glibc's mallopt(3)."""
_KEPT_BYTES = 128 * 2**20
_HEAP_BYTES = 32 * 2**20
"""Blocks up to this size, the largest that glibc allows, are taken from the heap, which is kept."""
_RETURNED_BYTES = 2**20


def keep_memory() -> None:
    """Give pages back only where more than `_KEPT_BYTES` are free: for a process whose next tiles need as much."""
    _mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    _mallopt(_M_MMAP_THRESHOLD, _HEAP_BYTES)


def return_memory() -> None:
    """Give blocks of `_RETURNED_BYTES` and more back as soon as they are freed, whichever thread took them.

    Without it glibc raises that limit to 32 MiB by itself, and each thread's arena keeps tens of MB of freed chunks.
    """
    _mallopt(_M_MMAP_THRESHOLD, _RETURNED_BYTES)


def _mallopt(parameter: int, value: int) -> None:
    """Without effect outside Linux, and with musl."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(parameter, value)
