"""Design columns: how variables become standardised numbers; the trainer fits them, a bundle stores them."""

from collections.abc import Sequence
from typing import Literal, TypeAlias, assert_never

import numpy as np
from pydantic import PositiveFloat

from shared.arrays import Floats
from shared.model.case_values import CaseValues
from shared.model.variable import Frozen

Form: TypeAlias = Literal["value", "below", "level", "rank", "missing"]


class Column(Frozen):
    """One column of the design: how a variable becomes a number, standardised as `(number - mean) / scale`."""

    name: str
    variable: str
    form: Form
    """value: as it is; below: 1 under `cut`; level: 1 if among `levels`; rank: place in `levels`; missing: 1 if so."""
    levels: tuple[str, ...] = ()
    cut: float = 0.0
    impute: float = 0.0
    """The number that stands for a missing value, from the training cohort."""
    mean: float = 0.0
    scale: PositiveFloat = 1.0

    def encoded(self, cases: CaseValues) -> Floats:
        """The number [n] of each case before imputation; NaN where it is missing."""
        values = cases.column(self.variable)
        missing = np.isnan(values)
        match self.form:
            case "value":
                return values
            case "below":
                return np.where(missing, np.nan, values < self.cut)
            case "level" | "rank":
                numbers = [*self._numbers_of_levels(cases), np.nan]
                return np.array(numbers)[np.where(missing, len(numbers) - 1, values).astype(np.int64)]
            case "missing":
                return missing.astype(np.float64)
        assert_never(self.form)

    def standardised(self, cases: CaseValues) -> Floats:
        """The column [n]: encoded, imputed, centred and scaled."""
        encoded = self.encoded(cases)
        imputed = np.where(np.isnan(encoded), self.impute, encoded)
        return np.asarray((imputed - self.mean) / self.scale, np.float64)

    def _numbers_of_levels(self, cases: CaseValues) -> list[float]:
        variable = cases.profile.variable(self.variable)
        levels = variable.levels if variable else ()
        if self.form == "rank":
            return [float(self.levels.index(level)) for level in levels]
        return [float(level in self.levels) for level in levels]


def design_matrix(columns: Sequence[Column], cases: CaseValues) -> Floats:
    """Standardised columns [n, p]."""
    if not columns:
        return np.zeros((len(cases), 0))
    return np.stack([column.standardised(cases) for column in columns], axis=1)
