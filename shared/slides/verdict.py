"""Verdicts on the places of a plan's grid, as the plan's ledger holds them."""

from enum import IntEnum


class Verdict(IntEnum):
    """Verdict on a place of the grid; corrupt tiles are found only when they are decoded."""

    OK = 0
    BACKGROUND = 1
    PEN = 2
    BLURRED = 3
