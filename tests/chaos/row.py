"""A row of the report: a promise, the figure that was measured, and whether it held."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Row:
    """What one promise came to."""

    promise: str
    """What the system promises, as a sentence with its goal."""
    figure: str
    """What was measured."""
    held: bool
    seed: int
    size: str

    @classmethod
    def of_counts(cls, promise: str, good: int, wanted: int, more: str, *, seed: int, size: str) -> Self:
        """A row that holds where all of `wanted` were good, and some were wanted."""
        return cls(promise, f"{good} of {wanted}{more and '; '}{more}", good == wanted > 0, seed, size)
