"""How long work reports its progress."""

from collections.abc import Callable

Advance = Callable[[int, int], None]
"""Called with (done, total)."""


def silent(done: int, total: int) -> None:
    """Report nothing."""


_FINE = 1000
"""Steps of a portion."""


def portion(advance: Advance, begin: float, end: float) -> Advance:
    """Progress of a portion of the work, from the share `begin` to the share `end` of the whole."""

    def advance_within(done: int, total: int) -> None:
        advance(round(_FINE * (begin + (end - begin) * done / total)), _FINE)

    return advance_within
