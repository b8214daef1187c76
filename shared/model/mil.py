"""Attention over a case's tiles: what a multiple-instance model gives, and the names in its file."""

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

MIL = "mil.onnx"
BAG, LOG_RISK, ATTENTION = "bag", "log_risk", "attention"
"""Names of the graph's input and outputs."""
Features: TypeAlias = npt.NDArray[np.float32]


class Mil(Protocol):
    """A multiple-instance model."""

    @property
    def width(self) -> int:
        """Features of a tile that the model reads."""

    def __call__(self, bag: Features) -> tuple[float, Features]:
        """Log-risk of a bag [n, width], n at least 1, and attention [n], which sums to one."""
