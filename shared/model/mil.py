"""What a model of a case's tiles gives, and the names in its file."""

from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

MIL = "mil.onnx"
BAG, LOG_RISK, ATTENTION, PROJECTED = "bag", "log_risk", "attention", "projected"
"""Names of the graph's input and outputs; the last is optional."""
Features: TypeAlias = npt.NDArray[np.float32]


class MilAnswer(NamedTuple):
    """What a model says of a bag of n tiles."""

    log_risk: float
    attention: Features
    """[n], sums to one: each tile's share of the summed hazard; in earlier bundles the weight by attention networks."""
    projected: Features | None
    """[n, axes], the tiles on the model's axes; None where the model does not give them."""


class Mil(Protocol):
    """A multiple-instance model."""

    @property
    def width(self) -> int:
        """Features of a tile that the model reads."""

    @property
    def axes(self) -> int | None:
        """Axes of projected tiles; None where the model does not give them."""

    def __call__(self, bag: Features) -> MilAnswer:
        """Read a bag [n, width], n at least 1."""
