"""What is fuzzed: for each reader of foreign bytes, good inputs and the product's own entry."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

Make = Callable[[Random], bytes]
Read = Callable[[bytes, Path], object]
"""Reads one input with a folder of its own; returns where it accepts it, else raises an error of our tree."""


@dataclass(frozen=True)
class Target:
    """One entry of the product."""

    name: str
    open: Callable[[Path], tuple[Make, Read]]
    """Sets up in a folder; what makes inputs, and what reads them."""
    seconds: float = 10.0
    """The longest that one input may take, on a slow machine."""
    peak_mb: int = 1024
    """The most memory that one input may take beside what the process held before."""
