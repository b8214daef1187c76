"""How long work reports its progress."""

from collections.abc import Callable

Advance = Callable[[int, int], None]
"""Called with (done, total)."""


def silent(done: int, total: int) -> None:
    """Report nothing."""
