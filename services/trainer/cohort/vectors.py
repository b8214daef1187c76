"""The vectors of one block of a cohort's patients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shared.arrays import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class Vectors:
    """One vector a patient; a row without any value is a patient without the block."""

    columns: tuple[str, ...]
    values: Floats
    """[n, p], in the order of the cohort; NaN where a value is missing."""
    digest: str
    """SHA-256 of the table's bytes."""
    unknown_cases: int = 0
    """Rows of the table whose case is not in the cohort."""

    @property
    def known(self) -> Flags:
        """Patients [n] with the block."""
        return np.asarray(~np.isnan(self.values).all(axis=1), np.bool_)

    def of(self, columns: Sequence[str]) -> Floats:
        """Values [n, q] of columns by name; NaN for a column that is not there."""
        place = {name: at for at, name in enumerate(self.columns)}
        padded = np.column_stack([self.values, np.full(len(self.values), np.nan)])
        return np.asarray(padded[:, [place.get(name, -1) for name in columns]], np.float64)

    def take(self, index: Ints) -> "Vectors":
        """Some of the patients."""
        return replace(self, values=self.values[index])
