"""Numbers that a float holds: one that was not 0 as written must not become 0."""

import sys


def too_small(written: str | float, number: float) -> bool:
    """Whether `number`, made from what was written, is 0 or has lost digits although that was not 0.

    Floats below the smallest normal one, 2.2e-308, have fewer digits the smaller they are.
    """
    return abs(number) < sys.float_info.min and _is_not_zero(written)


def _is_not_zero(written: str | float) -> bool:
    if not isinstance(written, str):
        return written != 0
    mantissa = written.casefold().partition("e")[0]
    return any(char.isdecimal() and int(char) > 0 for char in mantissa)
