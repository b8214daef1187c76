"""Log hazard ratios of one patient, column by column."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from services.fusion_scorer.arm import LinearHazard, TreesHazard
from shared.arrays import Floats

Trees: TypeAlias = Callable[[Floats], Floats]
"""Row [c] to contributions [c + 1], the last one the constant; they sum to the model's raw score."""


def by_column(hazard: LinearHazard | TreesHazard, row: Floats, trees: Mapping[str, Trees]) -> Floats:
    """Share of each column [c] in the log hazard ratio against the average patient; the log hazard is their sum.

    A linear model gives coefficient times standardised column. LightGBM gives Shapley values (Lundberg et al., Nature
    Machine Intelligence 2020;2:56); what its constant and centre leave over is spread evenly.
    """
    if isinstance(hazard, LinearHazard):
        return np.asarray(hazard.coefficients, np.float64) * row
    shares = trees[hazard.file](row)
    rest = float(shares[-1]) - hazard.centre
    return np.asarray(hazard.scale * (shares[:-1] + rest / max(1, len(row))), np.float64)
