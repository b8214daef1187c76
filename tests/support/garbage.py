"""Garbage collection switched off, so that what is freed is freed by its last reference."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """Collect once, then not within the block: objects of a reference cycle stay."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
