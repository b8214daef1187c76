"""The model of a block of vectors: from one vector a case to one log-risk, with the columns that moved it."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from shared.arrays import Floats
from shared.model.hazards import LinearHazard, LogHazard, Trees, contributions
from shared.model.variable import Frozen
from shared.model.vector import Vector, significant

MOST_COLUMNS = 5_000
_DIGITS = 9


def column_name(text: str) -> str:
    """A column's name as models, tables and vectors compare it: stripped, in Unicode's composed form (NFC)."""
    return unicodedata.normalize("NFC", text.strip())


ColumnName = Annotated[str, AfterValidator(column_name)]


def vector_file(block: str) -> str:
    """Name of a block's model among the files of a bundle."""
    return f"vectors-{block}.json"


def vector_trees_file(block: str) -> str:
    """Name of a block's LightGBM model among the files of a bundle."""
    return f"vectors-{block}.txt"


class VectorModel(Frozen):
    """vectors-{block}.json: standardisation of p columns, and a hazard of the standardised columns.

    `z = (value - mean) / scale`, 0 for a missing value; the log-risk is the log hazard ratio of `z` [used].
    """

    block: str
    columns: tuple[ColumnName, ...] = Field(min_length=1, max_length=MOST_COLUMNS)
    """Names of all p columns, in the order of `mean` and `scale`."""
    mean: Vector
    """[p]."""
    scale: Vector
    """[p], above 0."""
    used: tuple[int, ...] = Field(min_length=1)
    """Positions of the k columns that the hazard reads, rising."""
    log_hazard: LogHazard = Field(discriminator="kind")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column occurs twice")
        if {len(self.mean), len(self.scale)} != {len(self.columns)} or np.any(self.scale <= 0):
            raise ValueError("mean and scale must have a number for each column, and every scale must be above 0")
        if list(self.used) != sorted(set(self.used)) or not 0 <= self.used[0] <= self.used[-1] < len(self.columns):
            raise ValueError("the used columns must be positions of columns, rising")
        if isinstance(self.log_hazard, LinearHazard) and len(self.log_hazard.coefficients) != len(self.used):
            raise ValueError("coefficients and used columns differ in number")
        return self

    def matrix(self, vectors: Sequence[Mapping[str, float]]) -> Floats:
        """Values [n, p] of vectors by column name; NaN where a column is missing."""
        return np.array([[vector.get(name, np.nan) for name in self.columns] for vector in vectors], np.float64)

    def standardised(self, values: Floats) -> Floats:
        """Standardised columns [n, p] of values [n, p]; a missing value (NaN) becomes 0, the training mean."""
        return np.nan_to_num((values - self.mean) / self.scale, nan=0.0)

    def contributions(self, values: Floats, trees: Mapping[str, Trees]) -> Floats:
        """Share [n, k] of each used column in the log-risk of values [n, p]; a row sums to the log-risk."""
        return contributions(self.log_hazard, self.standardised(values)[:, self.used], trees)

    def log_risk(self, values: Floats, trees: Mapping[str, Trees]) -> Floats:
        """Log-risk [n] of values [n, p] against the average training case; NaN for a case without any value."""
        risk = self.contributions(values, trees).sum(axis=1)
        return np.where(np.isnan(values).all(axis=1), np.nan, risk)

    @property
    def used_columns(self) -> tuple[str, ...]:
        """Names of the k columns that the hazard reads."""
        return tuple(self.columns[i] for i in self.used)

    def as_json(self) -> dict[str, Any]:
        """The model as its file holds it, numbers at 9 significant digits."""
        content: dict[str, Any] = significant(self.model_dump(), _DIGITS)
        return content
